package dev.gavel.training.evaluation;

/**
 * One judged pair with a model's verdict.
 *
 * @param truth index of the right label, best grade first
 * @param probabilities [labels], best grade first, summing to 1
 */
public record Scored(String id, String query, int truth, double[] probabilities) {
  public Scored {
    if (truth < 0 || truth >= probabilities.length) {
      throw new IllegalArgumentException(
          "pair "
              + id
              + ": expected a label from 0 to "
              + (probabilities.length - 1)
              + ", found "
              + truth);
    }
    double sum = 0;
    for (double probability : probabilities) {
      sum += probability;
    }
    if (!(Math.abs(sum - 1) < 1e-3)) {
      throw new IllegalArgumentException(
          "pair " + id + ": expected probabilities that sum to 1, found " + sum);
    }
  }
}
