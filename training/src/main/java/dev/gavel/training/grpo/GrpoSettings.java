package dev.gavel.training.grpo;

import dev.gavel.training.loss.GrpoLoss;
import dev.gavel.training.run.TrainingSettings;

/**
 * How to train.
 *
 * @param steps of the optimizer
 * @param advantages how rewards become advantages
 * @param use how often a batch and a policy are used
 * @param training checkpoints fall on pushes of weights, so that a run goes on with the policy that
 *     it would have had
 * @param seed of the rollouts
 */
public record GrpoSettings(
    int steps,
    GroupRule groups,
    GrpoLoss loss,
    AdvantageRule advantages,
    Use use,
    TrainingSettings training,
    long seed) {

  /**
   * How rewards become advantages.
   *
   * @param scaled by the group's standard deviation
   * @param clamp largest magnitude; infinity for none
   */
  public record AdvantageRule(boolean scaled, double clamp) {
    public AdvantageRule {
      if (!(clamp > 0)) {
        throw new IllegalArgumentException("advantage clamp: expected above 0, found " + clamp);
      }
    }
  }

  /**
   * How often a batch and a policy are used.
   *
   * @param innerEpochs steps on one batch of groups
   * @param pushBatches batches that are sampled by one and the same policy
   * @param old where the log-probabilities come from that the ratio starts at
   */
  public record Use(int innerEpochs, int pushBatches, OldLogProbs old) {
    public Use {
      if (innerEpochs < 1 || pushBatches < 1) {
        throw new IllegalArgumentException(
            "grpo: expected innerEpochs and pushBatches above 0, found "
                + innerEpochs
                + ", "
                + pushBatches);
      }
    }

    /**
     * @throws IllegalArgumentException unless a checkpoint falls on a push of weights
     */
    public void requirePushAt(int checkpointSteps) {
      int between = Math.multiplyExact(innerEpochs, pushBatches);
      if (checkpointSteps % between != 0) {
        throw new IllegalArgumentException(
            "checkpointSteps: expected a multiple of innerEpochs * pushBatches, "
                + between
                + ", found "
                + checkpointSteps);
      }
    }
  }

  /** What the policy is compared with. */
  public enum OldLogProbs {
    /**
     * What the engine said when it sampled: corrects also for weights that have moved on since, and
     * for the engine's own rounding and quantization.
     */
    ROLLOUT,
    /** The trainer's own, at the first step on a batch: there the ratio is 1 exactly. */
    TRAINER
  }

  public GrpoSettings {
    if (steps < 1) {
      throw new IllegalArgumentException("steps: expected more than 0, found " + steps);
    }
    use.requirePushAt(training.checkpointSteps());
  }
}
