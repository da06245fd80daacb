package dev.gavel.relevance.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The tokens of numbers, put together from those of their digits, where a tokenizer reads numbers
 * digit by digit. Thread-safe.
 */
final class DigitTokens {
  /** Tried are all numbers of two digits, and longer ones. */
  private static final List<String> TRIALS =
      Stream.concat(
              IntStream.range(0, 100).mapToObj(number -> "" + number / 10 + number % 10),
              Stream.of("100", "1000", "2024", "65536", "123456", "9999999"))
          .toList();

  private final int[][] first = new int[10][]; // tokens of each digit
  private final int[][] spaced = new int[10][]; // with a space before it

  private DigitTokens(Function<String, int[]> encoder) {
    for (int digit = 0; digit < 10; digit++) {
      first[digit] = encoder.apply("" + digit);
      spaced[digit] = encoder.apply(" " + digit);
    }
  }

  /** Finds out by trial; null if the encoder reads numbers in another way. */
  static DigitTokens of(Function<String, int[]> encoder) {
    DigitTokens tokens = new DigitTokens(encoder);
    for (String number : TRIALS) {
      for (String word : List.of(number, " " + number)) {
        TokenBuffer out = new TokenBuffer(word.length());
        boolean read = tokens.append(word.toCharArray(), 0, word.length(), out);
        if (!read || !Arrays.equals(out.toArray(), encoder.apply(word))) {
          return null;
        }
      }
    }
    return tokens;
  }

  /** Appends the tokens of a word, with the space before it if there is one, if it is a number. */
  boolean append(char[] text, int from, int to, TokenBuffer out) {
    boolean space = text[from] == ' ';
    int begin = space ? from + 1 : from;
    for (int i = begin; i < to; i++) {
      if (text[i] < '0' || text[i] > '9') {
        return false;
      }
    }
    for (int i = begin; i < to; i++) {
      out.add((space && i == begin ? spaced : first)[text[i] - '0']);
    }
    return begin < to;
  }
}
