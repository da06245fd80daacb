package dev.gavel.training.stage;

import dev.gavel.engine.DType;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.training.grpo.GroupRule;
import dev.gavel.training.grpo.GrpoSettings;
import dev.gavel.training.loss.GrpoLoss;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.Precision;
import dev.gavel.training.rollout.SamplingSpec;
import dev.gavel.training.sft.ResponseEncoder;
import dev.gavel.training.stage.StageConfig.Default;
import java.nio.file.Path;

/**
 * The configuration of {@code gavel train grpo}; docs/training.md explains the keys. Defaults are
 * those of the paper's kin (DyKnow-RAG) where they are published.
 *
 * @param model to be trained; it is also the reference
 * @param data judged pairs, each with a grade and an id of its own
 * @param balanced every label as often as the rarest; else as the data has them
 * @param difficulty pairs by how often earlier samples were right; null takes all
 * @param steps of the optimizer
 * @param checkpointSteps a multiple of {@code innerEpochs * pushBatches}
 * @param evaluateSteps dev metrics after as many steps, and at the end; 0 is at the end only
 * @param averageCheckpoints the result is the mean of as many last checkpoints' weights
 * @param threads of LibTorch and of the engine; 0 leaves it to them
 */
public record GrpoConfig(
    Path model,
    Path data,
    int steps,
    @Default("label-first") ResponseEncoder.Form form,
    @Default("true") boolean balanced,
    @Default("null") Difficulty difficulty,
    @Default("{}") Groups groups,
    @Default("{}") Rewards reward,
    @Default("{}") Rollouts rollouts,
    @Default("{}") Objective objective,
    @Default("1") int innerEpochs,
    @Default("1") int pushBatches,
    @Default("trainer") GrpoSettings.OldLogProbs oldLogProbs,
    @Default("4096") int microTokens,
    @Default("1e-6") double learningRate,
    @Default("0.05") double warmupShare,
    @Default("1") double endShare,
    @Default("0") double weightDecay,
    @Default("1") double clip,
    @Default("all") Gradients gradients,
    @Default("fp32") Precision precision,
    @Default("null") SftConfig.Adapters lora,
    @Default("0") long seed,
    @Default("null") Path dev,
    @Default("0") int evaluateSteps,
    @Default("20") int checkpointSteps,
    @Default("1") int averageCheckpoints,
    @Default("f32") DType dtype,
    @Default("0") int threads)
    implements TrainedConfig {

  /**
   * Keeps pairs by the share of their samples that were right.
   *
   * @param samples of {@code gavel train sample}; pairs without any are dropped
   */
  public record Difficulty(Path samples, @Default("0.01") double from, @Default("0.9") double to) {
    public Difficulty {
      Checks.require(
          from >= 0 && to <= 1 && from <= to, "from, to", "0 <= from <= to <= 1", from + ", " + to);
    }
  }

  /**
   * Groups of responses.
   *
   * @param size responses to a pair
   * @param gamma a group is kept with 0 &lt; right &lt; gamma; null is {@code size}
   * @param batch kept groups of a step, over all workers
   * @param round groups that a worker samples at once; null is its part of {@code batch}
   * @param refillsMax rounds of a step after its first
   */
  public record Groups(
      @Default("16") int size,
      @Default("null") Integer gamma,
      @Default("8") int batch,
      @Default("null") Integer round,
      @Default("8") int refillsMax) {
    GroupRule rule(int workers) {
      return new GroupRule(
          size,
          gamma == null ? size : gamma,
          batch,
          round == null ? (batch + workers - 1) / workers : round,
          refillsMax);
    }

    public Groups {
      new GroupRule(
          size, gamma == null ? size : gamma, batch, round == null ? 1 : round, refillsMax);
    }
  }

  /**
   * What is earned beside the 1 for the right label.
   *
   * @param format for reasoning that ended and comes to a conclusion
   * @param consistency for reasoning that concludes its own label
   */
  public record Rewards(@Default("0") double format, @Default("0") double consistency) {
    public Rewards {
      Checks.require(format >= 0, "format", "0 or more", format);
      Checks.require(consistency >= 0, "consistency", "0 or more", consistency);
    }
  }

  /**
   * How responses are drawn, and on what engine.
   *
   * @param blocks KV blocks of 16 tokens: what bounds the memory, and how many pairs run at once
   */
  public record Rollouts(
      @Default("0.99") double temperature,
      @Default("100") int topK,
      @Default("1") double topP,
      @Default("128") int tokensMax,
      @Default("fp32") Quantization quantization,
      @Default("1024") int blocks,
      @Default("4096") int batchTokensMax) {
    public Rollouts {
      Checks.require(temperature > 0, "temperature", "more than 0", temperature);
    }
  }

  /**
   * The loss.
   *
   * @param mean over all tokens, or within responses and then over them
   * @param scaled advantages are divided by the group's standard deviation
   */
  public record Objective(
      @Default("0.2") double clipLow,
      @Default("0.2") double clipHigh,
      @Default("0.02") double klWeight,
      @Default("token") GrpoLoss.Mean mean,
      @Default("true") boolean scaled,
      @Default("2") double advantageClamp) {
    public Objective {
      new GrpoLoss(clipLow, clipHigh, klWeight, mean); // checks these
      new GrpoSettings.AdvantageRule(scaled, advantageClamp);
    }
  }

  public GrpoConfig {
    Checks.require(steps > 0, "steps", "more than 0", steps);
    Checks.schedule(microTokens, warmupShare);
    Checks.optimizer(learningRate, endShare, weightDecay, clip);
    Checks.run(checkpointSteps, averageCheckpoints, threads);
    Checks.dev(dev, evaluateSteps, form);
    boolean reasoned = form != ResponseEncoder.Form.LABEL_ONLY;
    boolean judged = reward.format() > 0 || reward.consistency() > 0;
    Checks.require(reasoned || !judged, "reward", "the label alone with form label-only", reward);
    new GrpoSettings.Use(innerEpochs, pushBatches, oldLogProbs).requirePushAt(checkpointSteps);
  }

  SamplingSpec spec() {
    return new SamplingSpec(
        form, rollouts.temperature(), rollouts.topK(), rollouts.topP(), rollouts.tokensMax(), seed);
  }

  EngineOptions engine() {
    EngineOptions standard = EngineOptions.defaults();
    return standard
        .withQuantization(rollouts.quantization())
        .withThreads(threads == 0 ? standard.threads() : threads)
        .withBlocks(rollouts.blocks())
        .withBatchTokensMax(rollouts.batchTokensMax());
  }

  GrpoSettings trainer(int workers) {
    return new GrpoSettings(
        steps,
        groups.rule(workers),
        new GrpoLoss(
            objective.clipLow(), objective.clipHigh(), objective.klWeight(), objective.mean()),
        new GrpoSettings.AdvantageRule(objective.scaled(), objective.advantageClamp()),
        new GrpoSettings.Use(innerEpochs, pushBatches, oldLogProbs),
        training(),
        seed);
  }
}
