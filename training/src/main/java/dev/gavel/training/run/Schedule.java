package dev.gavel.training.run;

/**
 * Learning rate by step: linear warm-up, then half a cosine down to a share of the peak.
 *
 * @param peak highest rate
 * @param warmupSteps steps of the warm-up; the first step has 1 / warmupSteps of the peak
 * @param totalSteps after which the rate stays at its end
 * @param endShare of the peak, at the end
 */
public record Schedule(double peak, int warmupSteps, int totalSteps, double endShare) {
  public Schedule {
    if (!(peak > 0) || warmupSteps < 0 || totalSteps < 1 || warmupSteps > totalSteps) {
      throw new IllegalArgumentException(
          "schedule: expected peak > 0 and 0 <= warmupSteps <= totalSteps, found "
              + peak
              + ", "
              + warmupSteps
              + ", "
              + totalSteps);
    }
    if (!(endShare >= 0 && endShare <= 1)) {
      throw new IllegalArgumentException("endShare: expected 0 to 1, found " + endShare);
    }
  }

  /** The rate of a step, counted from 0. */
  public double rate(int step) {
    if (step < warmupSteps) {
      return peak * (step + 1) / warmupSteps;
    }
    int rest = totalSteps - warmupSteps;
    double done = rest == 0 ? 1 : Math.min(1, (step - warmupSteps) / (double) rest);
    return peak * (endShare + (1 - endShare) * (1 + Math.cos(Math.PI * done)) / 2);
  }
}
