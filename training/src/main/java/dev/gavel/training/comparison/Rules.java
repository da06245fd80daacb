package dev.gavel.training.comparison;

import dev.gavel.training.evaluation.Decision;

/**
 * How each model decides.
 *
 * @param name for people
 */
public record Rules(String name, Decision base, Decision model) {
  /** The most probable label. */
  public static final Rules ARGMAX = new Rules("argmax", Decision.ARGMAX, Decision.ARGMAX);

  /** CumPT, each model at its own threshold: what a server answers. */
  public static Rules served(double base, double model) {
    return new Rules("CumPT", Decision.cumulative(base), Decision.cumulative(model));
  }

  int base(Pair pair) {
    return base.label(pair.base().probabilities());
  }

  int model(Pair pair) {
    return model.label(pair.model().probabilities());
  }
}
