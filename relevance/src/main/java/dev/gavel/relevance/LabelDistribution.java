package dev.gavel.relevance;

import java.util.List;

/**
 * Probabilities over the labels, best grade first; they sum to 1. Kept as log-probabilities, so
 * that small ones survive.
 */
public final class LabelDistribution {
  private final List<Label> labels;
  private final double[] logProbabilities; // [labels]

  private LabelDistribution(List<Label> labels, double[] logProbabilities) {
    this.labels = labels;
    this.logProbabilities = logProbabilities;
  }

  /**
   * Normalizes log-weights over the labels (a softmax, in double precision).
   *
   * @param logWeights [labels]; finite or negative infinity, not all of them the latter
   * @throws IllegalArgumentException otherwise
   */
  public static LabelDistribution of(List<Label> labels, double... logWeights) {
    if (logWeights.length != labels.size()) {
      throw new IllegalArgumentException(
          "expected " + labels.size() + " label weights, found " + logWeights.length);
    }
    double max = Double.NEGATIVE_INFINITY;
    for (double weight : logWeights) {
      if (Double.isNaN(weight) || weight == Double.POSITIVE_INFINITY) {
        throw new IllegalArgumentException(
            "label weight: expected a finite number, found " + weight);
      }
      max = Math.max(max, weight);
    }
    if (max == Double.NEGATIVE_INFINITY) {
      throw new IllegalArgumentException("label weights: expected one above zero, found none");
    }
    double sum = 0;
    for (double weight : logWeights) {
      sum += Math.exp(weight - max);
    }
    double logSum = max + Math.log(sum);
    double[] normalized = new double[logWeights.length];
    for (int i = 0; i < normalized.length; i++) {
      normalized[i] = logWeights[i] - logSum;
    }
    return new LabelDistribution(List.copyOf(labels), normalized);
  }

  /** The same from the engine's floats. */
  public static LabelDistribution of(List<Label> labels, float[] logWeights) {
    double[] wide = new double[logWeights.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = logWeights[i];
    }
    return of(labels, wide);
  }

  /**
   * Accumulates over reasoning paths: the mean of the probabilities.
   *
   * @throws IllegalArgumentException if there are none
   */
  public static LabelDistribution mean(List<LabelDistribution> paths) {
    if (paths.isEmpty()) {
      throw new IllegalArgumentException("expected at least one distribution, found none");
    }
    List<Label> labels = paths.get(0).labels;
    double[] logSums = new double[labels.size()];
    for (int i = 0; i < logSums.length; i++) {
      double sum = 0;
      for (LabelDistribution path : paths) {
        sum += path.probability(i);
      }
      logSums[i] = Math.log(sum);
    }
    return of(labels, logSums);
  }

  /** Labels, best grade first. */
  public List<Label> labels() {
    return labels;
  }

  public double probability(int label) {
    return Math.exp(logProbabilities[label]);
  }

  public double logProbability(int label) {
    return logProbabilities[label];
  }

  /** Index of the most probable label; the better grade wins a tie. */
  public int best() {
    int best = 0;
    for (int i = 1; i < logProbabilities.length; i++) {
      if (logProbabilities[i] > logProbabilities[best]) {
        best = i;
      }
    }
    return best;
  }

  /** Sum of grade times probability. */
  public double expectedGrade() {
    double sum = 0;
    for (int i = 0; i < logProbabilities.length; i++) {
      sum += labels.get(i).grade() * probability(i);
    }
    return sum;
  }
}
