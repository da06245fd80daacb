package dev.gavel.training.sft;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.loss.SftLoss;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.run.AdamWOptimizer;
import dev.gavel.training.run.BatchPlan;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.Schedule;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.run.Trainer;
import dev.gavel.training.run.TrainingLoop;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Fine-tunes a model on prompts and responses by cross-entropy; prompts are not learned. */
public final class SftTrainer implements Trainer {
  /**
   * How to train.
   *
   * @param epochs passes of the sampler
   * @param batchExamples examples of an optimizer step
   * @param microTokens tokens of a micro-batch; bounds the memory
   * @param gradients what is kept between forward and backward
   * @param peakRate highest learning rate
   * @param warmupShare of all steps
   * @param endShare of the peak rate, at the end
   * @param checkpointSteps between checkpoints
   */
  public record Settings(
      int epochs,
      int batchExamples,
      int microTokens,
      Gradients gradients,
      double peakRate,
      double warmupShare,
      double endShare,
      AdamWOptimizer.Settings optimizer,
      int checkpointSteps,
      int checkpointsKept) {
    /** Two epochs, 5% warm-up and a cosine to zero, as in the paper's kin; small batches. */
    public static Settings defaults(double peakRate) {
      return new Settings(
          2, 32, 4096, Gradients.ALL, peakRate, .05, 0, AdamWOptimizer.Settings.DEFAULT, 200, 2);
    }

    public Settings {
      if (epochs < 1 || !(warmupShare >= 0 && warmupShare <= 1)) {
        throw new IllegalArgumentException(
            "sft: expected epochs above 0 and warmupShare from 0 to 1, found "
                + epochs
                + ", "
                + warmupShare);
      }
    }

    ObjectNode toJson() {
      ObjectNode json = JsonNodeFactory.instance.objectNode();
      json.put("stage", "sft");
      json.put("epochs", epochs).put("batch_examples", batchExamples);
      json.put("micro_tokens", microTokens).put("gradients", gradients.name());
      json.put("peak_rate", peakRate).put("warmup_share", warmupShare).put("end_share", endShare);
      json.put("beta1", optimizer.beta1()).put("beta2", optimizer.beta2());
      json.put("epsilon", optimizer.epsilon()).put("weight_decay", optimizer.weightDecay());
      return json.put("clip_norm", optimizer.clipNorm()).put("checkpoint_steps", checkpointSteps);
    }
  }

  private final CausalLm model;
  private final List<PackedBatch.Sequence> examples;
  private final Settings settings;
  private final BatchPlan plan;
  private final TrainingLoop loop;
  private final GradientExchange exchange;
  private final int steps;

  /**
   * Begins a run in {@code home}, or goes on with it.
   *
   * @param model with what is to be trained marked so
   * @param examples each with a target
   * @param sampler over the examples
   */
  public SftTrainer(
      CausalLm model,
      List<PackedBatch.Sequence> examples,
      Sampler sampler,
      Settings settings,
      Path home,
      Progress progress)
      throws IOException {
    this(
        model,
        examples,
        sampler,
        settings,
        RunDirectory.open(home, settings.toJson().put("examples", examples.size())),
        progress);
  }

  /**
   * The same in a directory that is open already. Of several workers, all have the same model,
   * examples and settings; a step has {@code batchExamples} over all of them.
   */
  public SftTrainer(
      CausalLm model,
      List<PackedBatch.Sequence> examples,
      Sampler sampler,
      Settings settings,
      RunDirectory directory,
      Progress progress)
      throws IOException {
    this.model = model;
    this.exchange = directory.exchange();
    this.examples = List.copyOf(examples);
    this.settings = settings;
    for (int i = 0; i < examples.size(); i++) {
      if (!(examples.get(i).weight() > 0)) {
        throw new IllegalArgumentException("example " + i + ": expected a target, found none");
      }
    }
    int[] lengths = examples.stream().mapToInt(PackedBatch.Sequence::length).toArray();
    this.plan = new BatchPlan(sampler, lengths, settings.batchExamples(), settings.microTokens());
    this.steps = Math.multiplyExact(plan.stepsPerEpoch(), settings.epochs());
    int warmup = (int) Math.round(settings.warmupShare() * steps);
    Schedule schedule = new Schedule(settings.peakRate(), warmup, steps, settings.endShare());
    this.loop =
        new TrainingLoop(
            model,
            new TrainingLoop.Settings(
                schedule,
                settings.optimizer(),
                settings.checkpointSteps(),
                settings.checkpointsKept()),
            directory,
            progress);
  }

  @Override
  public int steps() {
    return steps;
  }

  @Override
  public int done() {
    return loop.done();
  }

  @Override
  public void run(int untilStep) throws IOException {
    loop.run(this::accumulate, untilStep);
  }

  private StepMetrics accumulate(int step) {
    long start = System.nanoTime();
    List<int[]> micros = plan.step(step, exchange.rank(), exchange.workers());
    double own =
        micros.stream()
            .flatMapToInt(Arrays::stream)
            .mapToDouble(i -> examples.get(i).weight())
            .sum();
    double weight = exchange.sum(own)[0];
    double loss = 0;
    long tokens = 0;
    int pairs = 0;
    for (int[] micro : micros) {
      PackedBatch batch = PackedBatch.of(Arrays.stream(micro).mapToObj(examples::get).toList());
      loss +=
          settings
              .gradients()
              .add(
                  model,
                  batch,
                  logs -> SftLoss.weighted(logs, Torch.vector(batch.weights(), logs), weight));
      tokens += batch.tokens().length;
      pairs += micro.length;
    }
    double[] sums = exchange.sum(loss, tokens, pairs);
    double seconds = (System.nanoTime() - start) * 1e-9;
    return new StepMetrics(step + 1)
        .with("loss", sums[0])
        .with("epoch", plan.epoch(step))
        .with("tokens", sums[1])
        .with("tokens_per_second", sums[1] / seconds)
        .with("pairs_per_second", sums[2] / seconds);
  }

  @Override
  public void close() {
    loop.close();
  }
}
