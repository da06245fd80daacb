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
        if (!Arrays.equals(tokens.tokens(word, 0, word.length()), encoder.apply(word))) {
          return null;
        }
      }
    }
    return tokens;
  }

  /** Tokens of a word, with the space before it if there is one; null if it is no number. */
  int[] tokens(String text, int from, int to) {
    boolean space = text.charAt(from) == ' ';
    int begin = space ? from + 1 : from;
    int size = 0;
    for (int i = begin; i < to; i++) {
      int[] digit = digit(text.charAt(i), space && i == begin);
      if (digit == null) {
        return null;
      }
      size += digit.length;
    }
    if (size == 0) {
      return null;
    }
    int[] out = new int[size];
    int at = 0;
    for (int i = begin; i < to; i++) {
      int[] digit = digit(text.charAt(i), space && i == begin);
      System.arraycopy(digit, 0, out, at, digit.length);
      at += digit.length;
    }
    return out;
  }

  private int[] digit(char c, boolean behindSpace) {
    if (c < '0' || c > '9') {
      return null;
    }
    return (behindSpace ? spaced : first)[c - '0'];
  }
}
