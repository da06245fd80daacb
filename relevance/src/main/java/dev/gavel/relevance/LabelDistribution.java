package dev.gavel.relevance;

import java.util.List;

/**
 * Probabilities over the labels, best grade first; they sum to 1. Kept as logarithms too, so that
 * small ones survive.
 */
public final class LabelDistribution {
  private final List<Label> labels;
  private final double[] probabilities; // [labels]
  private final double[] logProbabilities; // [labels]

  private LabelDistribution(List<Label> labels, double[] probabilities, double[] logProbabilities) {
    this.labels = List.copyOf(labels);
    this.probabilities = probabilities;
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
    // Relative to the largest weight throughout: equal weights give exactly equal shares, and
    // weights of any size lose nothing.
    double[] probabilities = new double[logWeights.length];
    double[] logProbabilities = new double[logWeights.length];
    for (int i = 0; i < logWeights.length; i++) {
      probabilities[i] = Math.exp(logWeights[i] - max) / sum;
      logProbabilities[i] = logWeights[i] - max - Math.log(sum);
    }
    return new LabelDistribution(labels, probabilities, logProbabilities);
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
    double[] means = new double[labels.size()];
    double[] logMeans = new double[labels.size()];
    for (int i = 0; i < means.length; i++) {
      for (LabelDistribution path : paths) {
        means[i] += path.probabilities[i];
      }
      means[i] /= paths.size();
      logMeans[i] = paths.size() == 1 ? paths.get(0).logProbabilities[i] : Math.log(means[i]);
    }
    return new LabelDistribution(labels, means, logMeans);
  }

  /** Labels, best grade first. */
  public List<Label> labels() {
    return labels;
  }

  public double probability(int label) {
    return probabilities[label];
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
