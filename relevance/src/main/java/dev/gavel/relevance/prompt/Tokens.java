package dev.gavel.relevance.prompt;

import dev.gavel.relevance.tokenizer.Tokenizer;
import java.util.Arrays;

/** Small operations on token sequences. */
final class Tokens {
  private Tokens() {}

  static int[] join(int[] left, int[] right) {
    int[] out = Arrays.copyOf(left, left.length + right.length);
    System.arraycopy(right, 0, out, left.length, right.length);
    return out;
  }

  /** Tokens that both begin with. */
  static int common(int[] a, int[] b) {
    int at = Arrays.mismatch(a, b);
    return at < 0 ? a.length : at;
  }

  static boolean startsWith(int[] tokens, int[] prefix) {
    return tokens.length >= prefix.length
        && Arrays.equals(tokens, 0, prefix.length, prefix, 0, prefix.length);
  }

  static boolean endsWith(int[] tokens, int[] suffix) {
    int from = tokens.length - suffix.length;
    return from >= 0 && Arrays.equals(tokens, from, tokens.length, suffix, 0, suffix.length);
  }

  /**
   * The tokens by which {@code text} continues {@code context}: those of the joined text behind the
   * context's, or, where they melt together, those of the text alone.
   */
  static int[] continuation(Tokenizer tokenizer, String context, String text) {
    int[] head = tokenizer.encode(context);
    int[] joined = tokenizer.encode(context + text);
    return startsWith(joined, head)
        ? Arrays.copyOfRange(joined, head.length, joined.length)
        : tokenizer.encode(text);
  }
}
