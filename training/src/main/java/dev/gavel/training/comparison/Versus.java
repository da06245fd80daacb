package dev.gavel.training.comparison;

import dev.gavel.training.evaluation.Bootstrap;

/**
 * One metric of both models.
 *
 * @param difference model minus base, its interval over the same draws
 */
public record Versus(
    String name, Bootstrap.Interval base, Bootstrap.Interval model, Bootstrap.Interval difference) {
  /** Whether the interval of the difference leaves out 0. */
  public boolean isClear() {
    return difference.low() > 0 || difference.high() < 0;
  }
}
