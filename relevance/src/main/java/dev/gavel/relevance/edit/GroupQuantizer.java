package dev.gavel.relevance.edit;

import dev.gavel.relevance.model.HalfFloats;
import java.util.Arrays;

/**
 * Finds the scale and the integers of one group of weights, symmetric around 0.
 *
 * <p>Rounding by the largest weight alone wastes levels on it, so several scales are tried. For
 * given integers q the best scale in the least squares sense is sum(wq) / sum(qq); it is rounded to
 * F16 as stored, the integers are rounded anew by it, and the scale with the least squared error
 * wins. Scales may be negative: then the largest weight falls on the one level more that the
 * negative side has.
 */
final class GroupQuantizer {
  private final int low;
  private final int high;
  private final double[] levels; // where the largest weight falls, without sign
  private final byte[] trial;

  /**
   * @param bits 4 or 8
   * @param groupMax longest group to come
   */
  GroupQuantizer(int bits, int groupMax) {
    this.low = -(1 << bits - 1);
    this.high = -low - 1;
    this.trial = new byte[groupMax];
    // Few bits gain by clipping the largest weight or by leaving levels unused; many hardly do.
    double step = bits == 4 ? 0.2 : 1;
    int count = bits == 4 ? 15 : 5;
    this.levels = new double[count];
    for (int i = 0; i < count; i++) {
      levels[i] = high + (bits == 4 ? 1.8 : 1) - step * i;
    }
  }

  /**
   * Quantizes {@code weights[from, to)}.
   *
   * @param integers gets the integers at the same places
   * @return the scale, exact in F16; 0 where all weights round to 0
   */
  float quantize(float[] weights, int from, int to, byte[] integers) {
    float largest = 0;
    for (int i = from; i < to; i++) {
      largest = Math.max(largest, Math.abs(weights[i]));
    }
    Arrays.fill(integers, from, to, (byte) 0);
    float best = 0;
    double leastError = squares(weights, from, to);
    if (leastError == 0) {
      return 0;
    }
    for (double level : levels) {
      for (int sign = 1; sign >= -1; sign -= 2) {
        float scale = refined(weights, from, to, (float) (sign * largest / level));
        double error = scale == 0 ? leastError : round(weights, from, to, scale);
        if (error < leastError) {
          leastError = error;
          best = scale;
          System.arraycopy(trial, 0, integers, from, to - from);
        }
      }
    }
    return best;
  }

  private static double squares(float[] weights, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += (double) weights[i] * weights[i];
    }
    return sum;
  }

  /** The least squares scale of the integers that {@code scale} gives, rounded to F16. */
  private float refined(float[] weights, int from, int to, float scale) {
    round(weights, from, to, scale);
    double products = 0;
    double squares = 0;
    for (int i = from; i < to; i++) {
      products += (double) weights[i] * trial[i - from];
      squares += trial[i - from] * trial[i - from];
    }
    float best = squares == 0 ? 0 : (float) (products / squares);
    float stored = HalfFloats.fromF16(HalfFloats.toF16(best));
    return Float.isFinite(stored) ? stored : 0;
  }

  /** Rounds the group by a scale; returns the squared error. */
  private double round(float[] weights, int from, int to, float scale) {
    float inverse = 1 / scale;
    double error = 0;
    for (int i = from; i < to; i++) {
      int level = Math.max(low, Math.min(high, Math.round(weights[i] * inverse)));
      trial[i - from] = (byte) level;
      double difference = weights[i] - (double) level * scale;
      error += difference * difference;
    }
    return error;
  }
}
