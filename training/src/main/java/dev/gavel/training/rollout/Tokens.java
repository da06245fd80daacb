package dev.gavel.training.rollout;

import java.util.Arrays;

/** The tokens of a response, put together from pieces. */
final class Tokens {
  private int[] tokens = new int[0];
  private boolean[] forced = new boolean[0];
  private double[] logProbs = new double[0];

  /** Appends what the policy chose. */
  void own(int[] values, double[] logs, int from, int to) {
    int at = grow(values, from, to);
    System.arraycopy(logs, from, logProbs, at, to - from);
  }

  /** Appends what it did not. */
  void forced(int[] values, int from, int to) {
    int at = grow(values, from, to);
    Arrays.fill(forced, at, forced.length, true);
  }

  private int grow(int[] values, int from, int to) {
    int at = tokens.length;
    tokens = Arrays.copyOf(tokens, at + to - from);
    forced = Arrays.copyOf(forced, tokens.length);
    logProbs = Arrays.copyOf(logProbs, tokens.length);
    System.arraycopy(values, from, tokens, at, to - from);
    return at;
  }

  int[] tokens() {
    return tokens;
  }

  boolean[] isForced() {
    return forced;
  }

  double[] logProbs() {
    return logProbs;
  }
}
