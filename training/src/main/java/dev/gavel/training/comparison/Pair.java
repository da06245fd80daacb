package dev.gavel.training.comparison;

import dev.gavel.training.evaluation.Scored;

/**
 * A judged pair with the verdicts of both models.
 *
 * @param base of the model that is compared to
 * @param model of the model in question
 * @param title of the item, for people
 */
public record Pair(Scored base, Scored model, String title) {
  public Pair {
    boolean same = base.id().equals(model.id()) && base.query().equals(model.query());
    if (!same || base.truth() != model.truth()) {
      throw new IllegalArgumentException(
          "expected two verdicts on one pair, found pairs " + base.id() + " and " + model.id());
    }
  }

  public String id() {
    return base.id();
  }

  public String query() {
    return base.query();
  }

  /** Index of the judged label, best grade first. */
  public int truth() {
    return base.truth();
  }

  /** How much of the probability of the judged label the model has lost; below 0 it won some. */
  public double loss() {
    return base.probabilities()[truth()] - model.probabilities()[truth()];
  }
}
