package dev.gavel.training.sft;

import dev.gavel.training.data.Sampler;
import dev.gavel.training.loss.SftLoss;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.run.BatchPlan;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.run.Trainer;
import dev.gavel.training.run.TrainingLoop;
import dev.gavel.training.run.TrainingSettings;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** Fine-tunes a model on prompts and responses by cross-entropy; prompts are not learned. */
public final class SftTrainer implements Trainer {
  /**
   * How to train.
   *
   * @param epochs passes of the sampler
   * @param batchExamples examples of an optimizer step
   */
  public record Settings(int epochs, int batchExamples, TrainingSettings training) {
    public Settings {
      if (epochs < 1) {
        throw new IllegalArgumentException("epochs: expected more than 0, found " + epochs);
      }
    }
  }

  private final CausalLm model;
  private final List<PackedBatch.Sequence> examples;
  private final Settings settings;
  private final BatchPlan plan;
  private final TrainingLoop loop;
  private final GradientExchange exchange;

  /**
   * Begins a run, or goes on with it. Of several workers, all have the same model, examples and
   * settings; a step has {@code batchExamples} over all of them.
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
    TrainingSettings training = settings.training();
    this.plan = new BatchPlan(sampler, lengths, settings.batchExamples(), training.microTokens());
    int steps = Math.multiplyExact(plan.stepsPerEpoch(), settings.epochs());
    this.loop = new TrainingLoop(model, training, steps, directory, progress);
  }

  @Override
  public int steps() {
    return loop.steps();
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
              .training()
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
