package dev.gavel.relevance.tokenizer;

import dev.gavel.relevance.TokenStream;
import dev.gavel.relevance.json.JsonFile;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** The tokenizer of a model directory. Thread-safe. */
public final class Tokenizer implements AutoCloseable {
  private final NativeTokenizer encoder;
  private final WordCache words; // null where texts cannot be cut at words
  private final TokenBytes bytes;
  private final Neutralizer neutralizer;
  private final Map<String, Integer> addedIds = new HashMap<>();
  private final BitSet markup = new BitSet();
  private final int unknown;
  private final int[] opening;

  private Tokenizer(String json) {
    TokenizerFile file = TokenizerFile.parse(json);
    this.bytes = TokenBytes.of(file);
    this.neutralizer = new Neutralizer(file.added);
    for (TokenizerFile.Added token : file.added) {
      addedIds.put(token.content(), token.id());
      if (!token.content().isBlank()) {
        markup.set(token.id());
      }
    }
    Integer unknownId = file.unknown == null ? null : file.vocabulary.get(file.unknown);
    this.unknown = unknownId == null ? -1 : unknownId;
    this.encoder = new NativeTokenizer(json);
    this.words = file.splitsWords() ? wordCache(file.added) : null;
    int[] around = encoder.encode("", true);
    this.opening = around.length == 0 ? around : new int[] {around[0]};
  }

  private WordCache wordCache(List<TokenizerFile.Added> added) {
    WordCache cache = new WordCache(word -> encoder.encode(word, false));
    return cache.isExact(added.stream().map(TokenizerFile.Added::content).toList()) ? cache : null;
  }

  /**
   * Opens {@code directory/tokenizer.json}.
   *
   * @throws dev.gavel.relevance.ModelFormatException if it is absent or no tokenizer
   */
  public static Tokenizer open(Path directory) {
    return new Tokenizer(JsonFile.readText(directory.resolve(TokenizerFile.NAME)));
  }

  /**
   * Token ids of trusted text: added tokens are recognized, and nothing is put around it. An
   * unpaired surrogate counts as U+FFFD.
   */
  public int[] encode(String text) {
    return words != null ? words.encode(text) : encoder.encode(text, false);
  }

  /** User text changed so that no added token can be read in it. */
  public String neutralize(String text) {
    return neutralizer.apply(text);
  }

  /** How many tokens of {@code ids} are added tokens other than white space. */
  public int countMarkup(int[] ids) {
    int count = 0;
    for (int id : ids) {
      if (markup.get(id)) {
        count++;
      }
    }
    return count;
  }

  /**
   * The token that the tokenizer puts before a text (beginning of sequence); empty if none. Chat
   * templates write it themselves.
   */
  public int[] opening() {
    return opening.clone();
  }

  /**
   * Text of token ids, added tokens included: their bytes as UTF-8. Bytes that are not UTF-8 become
   * U+FFFD, ids that are no tokens nothing.
   */
  public String decode(int... ids) {
    TokenStream stream = stream(List.of());
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(stream.push(id));
    }
    return text.append(stream.flush()).toString();
  }

  /** Whether the first {@code count} tokens end with a complete character. */
  public boolean endsWithCharacter(int[] ids, int count) {
    int continuation = 0; // bytes 10xxxxxx at the end
    for (int i = count - 1; i >= 0 && continuation < 4; i--) {
      byte[] token = bytes.of(ids[i]);
      for (int b = token.length - 1; b >= 0 && continuation < 4; b--) {
        int value = token[b] & 0xFF;
        if ((value & 0xC0) != 0x80) {
          int needed = value < 0xC0 ? 0 : value < 0xE0 ? 1 : value < 0xF0 ? 2 : 3;
          return continuation >= needed;
        }
        continuation++;
      }
    }
    return true;
  }

  /** A fresh streaming decoder that ends at any of {@code stops}. */
  public TokenStream stream(List<String> stops) {
    return new StreamDecoder(bytes, stops);
  }

  /** One more than the largest token id. */
  public int size() {
    return bytes.size();
  }

  /** Id of an added token by its text. */
  public OptionalInt added(String content) {
    Integer id = addedIds.get(content);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** Whether {@code id} stands for text that the vocabulary cannot write. */
  public boolean isUnknown(int id) {
    return id == unknown;
  }

  @Override
  public void close() {
    encoder.close();
  }
}
