package dev.gavel.training.grpo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.training.loss.GrpoLoss;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.run.AdamWOptimizer;

/**
 * How to train.
 *
 * @param steps of the optimizer
 * @param advantages how rewards become advantages
 * @param use how often a batch and a policy are used
 * @param microTokens tokens of a micro-batch; bounds the memory
 * @param gradients what is kept between forward and backward
 * @param peakRate highest learning rate
 * @param warmupShare of all steps
 * @param endShare of the peak rate, at the end
 * @param checkpointSteps between checkpoints; a multiple of the steps between two pushes of
 *     weights, so that a run goes on with the policy that it would have had
 * @param seed of the rollouts
 */
public record GrpoSettings(
    int steps,
    GroupRule groups,
    GrpoLoss loss,
    AdvantageRule advantages,
    Use use,
    int microTokens,
    Gradients gradients,
    double peakRate,
    double warmupShare,
    double endShare,
    AdamWOptimizer.Settings optimizer,
    int checkpointSteps,
    int checkpointsKept,
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
    if (steps < 1 || microTokens < 1 || !(warmupShare >= 0 && warmupShare <= 1)) {
      throw new IllegalArgumentException(
          "grpo: expected steps and microTokens above 0, warmupShare from 0 to 1, found "
              + steps
              + ", "
              + microTokens
              + ", "
              + warmupShare);
    }
    int between = use.innerEpochs() * use.pushBatches();
    if (checkpointSteps % between != 0) {
      throw new IllegalArgumentException(
          "checkpointSteps: expected a multiple of innerEpochs * pushBatches, "
              + between
              + ", found "
              + checkpointSteps);
    }
  }

  /**
   * What is published of the paper's kin (DyKnow-RAG): groups of 16, clip .2, advantages up to 2,
   * divergence .02, rate 1e-6. Group sampling by temperature .99 and the 100 best tokens is the
   * source's part.
   */
  public static GrpoSettings defaults(int steps) {
    return new GrpoSettings(
        steps,
        new GroupRule(16, 16, 8, 8, 8),
        new GrpoLoss(.2, .2, .02, GrpoLoss.Mean.TOKEN),
        new AdvantageRule(true, 2),
        new Use(1, 1, OldLogProbs.TRAINER),
        4096,
        Gradients.ALL,
        1e-6,
        .05,
        1,
        AdamWOptimizer.Settings.DEFAULT,
        20,
        2,
        1);
  }

  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("stage", "grpo").put("steps", steps).put("seed", seed);
    json.put("group", groups.group()).put("gamma", groups.gamma());
    json.put("batch_groups", groups.batchGroups()).put("round_groups", groups.roundGroups());
    json.put("refills_max", groups.refillsMax());
    json.put("clip_low", loss.clipLow()).put("clip_high", loss.clipHigh());
    json.put("kl_weight", loss.klWeight()).put("mean", loss.mean().name());
    json.put("advantages_scaled", advantages.scaled()).put("advantage_clamp", advantages.clamp());
    json.put("inner_epochs", use.innerEpochs()).put("push_batches", use.pushBatches());
    json.put("old_log_probs", use.old().name());
    json.put("micro_tokens", microTokens).put("gradients", gradients.name());
    json.put("peak_rate", peakRate).put("warmup_share", warmupShare).put("end_share", endShare);
    json.put("beta1", optimizer.beta1()).put("beta2", optimizer.beta2());
    json.put("epsilon", optimizer.epsilon()).put("weight_decay", optimizer.weightDecay());
    return json.put("clip_norm", optimizer.clipNorm()).put("checkpoint_steps", checkpointSteps);
  }
}
