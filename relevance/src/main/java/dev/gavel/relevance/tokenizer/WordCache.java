package dev.gavel.relevance.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Remembers the tokens of words. Byte-level tokenizers split text before they look for tokens, and
 * always before a space with text on both sides; so a text is cut at these places and each piece
 * tokenized on its own, once. Titles of shops repeat their words: this is about 20 times as fast as
 * tokenizing them anew. Numbers seldom come again: where the tokenizer reads them digit by digit
 * they are not looked up and not remembered.
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

  private static final int LETTER = 0;
  private static final int DIGIT = 1;
  private static final int MARK = 2;
  private static final int OTHER = 3; // never cut beside it

  /** The marks beside which texts are cut, where the tokenizer allows it. */
  private static final String MARKS = ",.;:!?'\"()-/&+%#*";

  private static final byte[] KINDS = kinds(); // of ASCII

  private static byte[] kinds() {
    byte[] kinds = new byte[0x80];
    Arrays.fill(kinds, (byte) OTHER);
    Arrays.fill(kinds, 'a', 'z' + 1, (byte) LETTER);
    Arrays.fill(kinds, 'A', 'Z' + 1, (byte) LETTER);
    Arrays.fill(kinds, '0', '9' + 1, (byte) DIGIT);
    MARKS.chars().forEach(mark -> kinds[mark] = MARK);
    return kinds;
  }

  /** What stands for each kind when the tokenizer is tried. */
  private static final List<List<String>> SAMPLES =
      List.of(
          List.of("a", "X", "men", "The"),
          List.of("3", "42", "1000"),
          MARKS.chars().mapToObj(Character::toString).toList());

  /** A text with its tokens, as they are at the beginning and behind a space. */
  private record Sample(String text, int[] first, int[] spaced) {}

  private final Function<String, int[]> encoder;
  private final DigitTokens digits; // null: numbers are words like others
  private final boolean[][] cuts = new boolean[OTHER + 1][OTHER + 1]; // [left][right]
  private volatile Map<String, int[]> young = new ConcurrentHashMap<>();
  private volatile Map<String, int[]> old = Map.of();

  /** Finds out by trial between which kinds of characters the encoder can be given pieces. */
  WordCache(Function<String, int[]> encoder) {
    this.encoder = encoder;
    this.digits = DigitTokens.of(encoder);
    List<List<Sample>> samples =
        SAMPLES.stream().map(texts -> texts.stream().map(this::sample).toList()).toList();
    for (int left = LETTER; left <= MARK; left++) {
      for (int right = LETTER; right <= MARK; right++) {
        cuts[left][right] = canCut(samples.get(left), samples.get(right));
      }
    }
  }

  private Sample sample(String text) {
    return new Sample(text, encoder.apply(text), encoder.apply(" " + text));
  }

  private boolean canCut(List<Sample> lefts, List<Sample> rights) {
    for (Sample left : lefts) {
      for (Sample right : rights) {
        int[] apart = concat(left.first, right.spaced);
        if (!Arrays.equals(apart, encoder.apply(left.text + " " + right.text))) {
          return false;
        }
      }
    }
    return true;
  }

  private static int[] concat(int[] left, int[] right) {
    int[] both = Arrays.copyOf(left, left.length + right.length);
    System.arraycopy(right, 0, both, left.length, right.length);
    return both;
  }

  /**
   * Whether words can be cut apart and give the encoder's own tokens, by trial.
   *
   * @param added added tokens, which may take the space beside them
   */
  boolean isExact(List<String> added) {
    boolean words =
        PAIRS.stream()
            .flatMap(pair -> Stream.of(pair, " " + pair, "x " + pair + ", 4 " + pair))
            .allMatch(this::isExact);
    return cuts[LETTER][LETTER]
        && words
        && added.stream().allMatch(token -> isExact("x " + token + " y" + token + " 2"));
  }

  private boolean isExact(String text) {
    return Arrays.equals(encoder.apply(text), encode(text));
  }

  int[] encode(String text) {
    int[] out = new int[text.length() / 3 + 8];
    int size = 0;
    for (int from = 0; from < text.length(); ) {
      int to = wordEnd(text, from);
      int[] tokens = digits == null ? null : digits.tokens(text, from, to);
      if (tokens == null) {
        tokens = word(text.substring(from, to));
      }
      if (size + tokens.length > out.length) {
        out = Arrays.copyOf(out, Math.max(size + tokens.length, out.length * 2));
      }
      System.arraycopy(tokens, 0, out, size, tokens.length);
      size += tokens.length;
      from = to;
    }
    return Arrays.copyOf(out, size);
  }

  /** The next place after {@code from} where the text may be cut: before a single space. */
  private int wordEnd(String text, int from) {
    for (int i = text.indexOf(' ', from + 1); i > 0 && i < text.length() - 1; ) {
      int left = kind(text.charAt(i - 1));
      int right = kind(text.charAt(i + 1));
      if (cuts[left][right]) {
        return i;
      }
      i = text.indexOf(' ', i + 1);
    }
    return text.length();
  }

  private static int kind(char c) {
    return c < KINDS.length ? KINDS[c] : OTHER;
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
