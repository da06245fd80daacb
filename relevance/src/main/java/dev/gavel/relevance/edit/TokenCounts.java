package dev.gavel.relevance.edit;

import dev.gavel.relevance.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** How often each token of a tokenizer occurs in texts. */
final class TokenCounts {
  private final Tokenizer tokenizer;
  private final long[] counts;
  private long total;

  TokenCounts(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    this.counts = new long[tokenizer.size()];
  }

  /** Counts all texts of the files. */
  static TokenCounts of(Tokenizer tokenizer, List<Path> corpora) {
    TokenCounts out = new TokenCounts(tokenizer);
    for (Path corpus : corpora) {
      Corpus.forEach(corpus, out::add);
    }
    return out;
  }

  /**
   * Counts a text of users as it stands in a prompt: behind a line break, and behind a space, where
   * its first word is another token. What spells an added token is text.
   */
  void add(String text) {
    String plain = tokenizer.neutralize(text);
    addTokens(tokenizer.encode(plain));
    addTokens(tokenizer.encode(" " + plain));
  }

  private void addTokens(int[] ids) {
    for (int id : ids) {
      counts[id]++;
    }
    total += ids.length;
  }

  /** Occurrences of all tokens. */
  long total() {
    return total;
  }

  long count(int id) {
    return id < counts.length ? counts[id] : 0;
  }

  /** The tokens that occur, most frequent first, then by id. */
  int[] byFrequency() {
    return IntStream.range(0, counts.length)
        .filter(id -> counts[id] > 0)
        .boxed()
        .sorted((a, b) -> counts[a] != counts[b] ? Long.compare(counts[b], counts[a]) : a - b)
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
