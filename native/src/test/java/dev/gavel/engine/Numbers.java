package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Arithmetic and assertions that the engine's tests share. */
final class Numbers {
  private Numbers() {}

  /** Log-softmax in double precision. */
  static double[] logSoftmax(float[] logits) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    double logSum = max + Math.log(sum);
    double[] result = new double[logits.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = logits[i] - logSum;
    }
    return result;
  }

  static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  static void assertClose(double[] expected, float[] found, double tolerance, String what) {
    assertEquals(expected.length, found.length, what);
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(expected[i] - found[i]);
      int index = i;
      assertTrue(
          error <= tolerance,
          () ->
              String.format(
                  "%s [%d]: expected %s, found %s: off by %.3g, allowed %.3g",
                  what, index, expected[index], found[index], error, tolerance));
    }
  }

  static void assertClose(float[] expected, float[] found, double tolerance, String what) {
    double[] wide = new double[expected.length];
    Arrays.setAll(wide, i -> expected[i]);
    assertClose(wide, found, tolerance, what);
  }

  /** What rounding to float does to a number of this size, twice over. */
  static double floatRounding(double value) {
    return 2 * Math.ulp((float) Math.abs(value));
  }

  static int[] randomTokens(SplittableRandom random, int vocabulary, int count) {
    return random.ints(count, 0, vocabulary).toArray();
  }

  static int[] concat(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }
}
