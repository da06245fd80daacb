package dev.gavel.training.run;

import dev.gavel.training.model.Gradients;

/**
 * What every stage that trains is told, whatever its loss.
 *
 * @param microTokens tokens of a micro-batch; bounds the memory, changes no result
 * @param gradients what is kept between forward and backward
 * @param peakRate highest learning rate
 * @param warmupShare of all scheduled steps
 * @param endShare of the peak rate, at the end of the schedule
 * @param checkpointSteps a checkpoint is written after as many steps, and at the end
 * @param checkpointsKept older ones are removed
 * @param stopSteps the run ends after as many steps, on the schedule of the whole one; 0 runs all
 */
public record TrainingSettings(
    int microTokens,
    Gradients gradients,
    double peakRate,
    double warmupShare,
    double endShare,
    AdamWOptimizer.Settings optimizer,
    int checkpointSteps,
    int checkpointsKept,
    int stopSteps) {
  public TrainingSettings {
    require(microTokens > 0, "microTokens", "more than 0", microTokens);
    require(warmupShare >= 0 && warmupShare <= 1, "warmupShare", "0 to 1", warmupShare);
    require(checkpointSteps > 0, "checkpointSteps", "more than 0", checkpointSteps);
    require(checkpointsKept > 0, "checkpointsKept", "more than 0", checkpointsKept);
    require(stopSteps >= 0, "stopSteps", "0 or more", stopSteps);
    new Schedule(peakRate, 0, 1, endShare); // checks these
  }

  private static void require(boolean fine, String name, String expected, Object found) {
    if (!fine) {
      throw new IllegalArgumentException(name + ": expected " + expected + ", found " + found);
    }
  }

  /** The learning rates of a run of {@code total} steps. */
  Schedule schedule(int total) {
    return new Schedule(peakRate, (int) Math.round(warmupShare * total), total, endShare);
  }

  /** Steps after which a run of {@code total} scheduled ones ends. */
  int steps(int total) {
    return stopSteps == 0 ? total : Math.min(stopSteps, total);
  }
}
