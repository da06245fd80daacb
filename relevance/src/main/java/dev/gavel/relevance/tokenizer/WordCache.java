package dev.gavel.relevance.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Remembers the tokens of words. Byte-level tokenizers split text before they look for tokens, and
 * always before a space with text on both sides; so a text is cut at these places and each piece
 * tokenized on its own, once. Titles of shops repeat their words: this is many times as fast as
 * tokenizing them anew. Numbers seldom come again: where the tokenizer reads them digit by digit
 * they are not looked up and not remembered. Thread-safe.
 */
final class WordCache {
  private static final int FLAT_WORDS = 1 << 14;
  private static final int RARE_WORDS = 1 << 13;
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
  private final FlatWords flat = new FlatWords(FLAT_WORDS);
  private final RareWords rare = new RareWords(RARE_WORDS);

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
    char[] chars = text.toCharArray();
    TokenBuffer out = new TokenBuffer(chars.length / 3 + 8);
    FlatWords.Reader known = flat.reader();
    for (int from = 0; from < chars.length; ) {
      int to = wordEnd(chars, from);
      boolean added =
          digits != null && digits.append(chars, from, to, out)
              || known.append(chars, from, to, out);
      if (!added) {
        out.add(word(text, chars, from, to, known));
      }
      from = to;
    }
    return out.toArray();
  }

  /** The next place after {@code from} where the text may be cut: before a single space. */
  private int wordEnd(char[] text, int from) {
    for (int i = from + 1; i < text.length - 1; i++) {
      if (text[i] == ' ' && cuts[kind(text[i - 1])][kind(text[i + 1])]) {
        return i;
      }
    }
    return text.length;
  }

  private static int kind(char c) {
    return c < KINDS.length ? KINDS[c] : OTHER;
  }

  private int[] word(String text, char[] chars, int from, int to, FlatWords.Reader known) {
    String word = text.substring(from, to);
    if (word.length() > WORD_CHARS_MAX) {
      return encoder.apply(word);
    }
    int[] tokens = rare.get(word);
    if (tokens == null) {
      tokens = encoder.apply(word);
      if (!known.remember(chars, from, to, tokens)) {
        rare.put(word, tokens);
      }
    }
    return tokens;
  }
}
