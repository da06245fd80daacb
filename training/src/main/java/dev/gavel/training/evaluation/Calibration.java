package dev.gavel.training.evaluation;

import java.util.ArrayList;
import java.util.List;

/**
 * How far confidence is from accuracy (Guo et al., arXiv 1706.04599): the pairs fall into bins of
 * equal width by the probability of their most probable label.
 *
 * @param bins empty ones are left out
 */
public record Calibration(List<Bin> bins) {
  /** Bins of the usual definition. */
  public static final int BINS = 15;

  /**
   * Pairs with a confidence in (from, to].
   *
   * @param confidence mean probability of the most probable label
   * @param accuracy share of pairs whose most probable label is right
   */
  public record Bin(double from, double to, long count, double confidence, double accuracy) {}

  public Calibration {
    bins = List.copyOf(bins);
  }

  /** Bins the pairs. */
  public static Calibration of(List<Scored> pairs, int bins) {
    long[] counts = new long[bins];
    double[] confidences = new double[bins];
    double[] rights = new double[bins];
    for (Scored pair : pairs) {
      int label = Decision.ARGMAX.label(pair.probabilities());
      double confidence = pair.probabilities()[label];
      int bin = Math.min(bins - 1, Math.max(0, (int) Math.ceil(confidence * bins) - 1));
      counts[bin]++;
      confidences[bin] += confidence;
      rights[bin] += label == pair.truth() ? 1 : 0;
    }
    List<Bin> out = new ArrayList<>();
    for (int i = 0; i < bins; i++) {
      if (counts[i] > 0) {
        out.add(
            new Bin(
                (double) i / bins,
                (i + 1.0) / bins,
                counts[i],
                confidences[i] / counts[i],
                rights[i] / counts[i]));
      }
    }
    return new Calibration(out);
  }

  /** Expected calibration error: mean distance of confidence and accuracy, 0 is calibrated. */
  public double error() {
    double sum = 0;
    long total = 0;
    for (Bin bin : bins) {
      sum += bin.count() * Math.abs(bin.accuracy() - bin.confidence());
      total += bin.count();
    }
    return sum / total;
  }
}
