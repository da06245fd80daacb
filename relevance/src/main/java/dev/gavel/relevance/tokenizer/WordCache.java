package dev.gavel.relevance.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Remembers the tokens of words. Byte-level tokenizers split text before they look for tokens, and
 * always between a letter and a space with a letter behind; so a text is cut at these places and
 * each piece tokenized on its own, once. Titles of shops repeat their words: this is about 20 times
 * as fast as tokenizing them anew.
 *
 * <p>Two generations of a bounded size: words in use move to the young one, and when that is full
 * the old one goes. Thread-safe.
 */
final class WordCache {
  private static final int GENERATION_WORDS = 1 << 15;
  private static final int WORD_CHARS_MAX = 128;

  /** Word pairs that a tokenizer would join if it joined words at all. */
  private static final List<String> PAIRS =
      List.of(
          "of the",
          "in the",
          "to be",
          "for men",
          "by the way",
          "New York",
          "as well as",
          "running shoes",
          "a lot of",
          "a b c d",
          "THE END OF",
          "it is not");

  private final Function<String, int[]> encoder;
  private volatile Map<String, int[]> young = new ConcurrentHashMap<>();
  private volatile Map<String, int[]> old = Map.of();

  WordCache(Function<String, int[]> encoder) {
    this.encoder = encoder;
  }

  /** Whether cutting at words gives the encoder's own tokens, by trial. */
  boolean isExact() {
    return PAIRS.stream()
        .flatMap(pair -> java.util.stream.Stream.of(pair, " " + pair, "x " + pair + ", 4 " + pair))
        .allMatch(text -> Arrays.equals(encoder.apply(text), encode(text)));
  }

  int[] encode(String text) {
    int[] out = new int[text.length() / 3 + 8];
    int size = 0;
    for (int from = 0; from < text.length(); ) {
      int to = wordEnd(text, from);
      int[] tokens = word(text.substring(from, to));
      if (size + tokens.length > out.length) {
        out = Arrays.copyOf(out, Math.max(size + tokens.length, out.length * 2));
      }
      System.arraycopy(tokens, 0, out, size, tokens.length);
      size += tokens.length;
      from = to;
    }
    return Arrays.copyOf(out, size);
  }

  /** The next place after {@code from} between a letter and a space with a letter behind. */
  private static int wordEnd(String text, int from) {
    for (int i = from + 1; i < text.length() - 1; i++) {
      if (text.charAt(i) == ' ' && isLetter(text.charAt(i - 1)) && isLetter(text.charAt(i + 1))) {
        return i;
      }
    }
    return text.length();
  }

  private static boolean isLetter(char c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
  }

  private int[] word(String word) {
    if (word.length() > WORD_CHARS_MAX) {
      return encoder.apply(word);
    }
    int[] tokens = young.get(word);
    if (tokens == null) {
      tokens = old.get(word);
      if (tokens == null) {
        tokens = encoder.apply(word);
      }
      remember(word, tokens);
    }
    return tokens;
  }

  private void remember(String word, int[] tokens) {
    Map<String, int[]> current = young;
    current.put(word, tokens);
    if (current.size() > GENERATION_WORDS) {
      synchronized (this) {
        if (young == current) {
          old = current;
          young = new ConcurrentHashMap<>();
        }
      }
    }
  }
}
