package dev.gavel.training.dpo;

import dev.gavel.training.data.Sampler;
import dev.gavel.training.loss.DpoLoss;
import dev.gavel.training.loss.Responses;
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
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;

/**
 * Trains a model to prefer the chosen response to the rejected one. The reference is the model as
 * it is at the start; what it says is computed once and kept in the run's folder.
 */
public final class DpoTrainer implements Trainer {
  /**
   * How to train.
   *
   * @param epochs passes of the sampler
   * @param batchPairs preferences of an optimizer step
   * @param training both responses of a preference are in one micro-batch
   */
  public record Settings(DpoLoss loss, int epochs, int batchPairs, TrainingSettings training) {
    public Settings {
      if (epochs < 1) {
        throw new IllegalArgumentException("epochs: expected more than 0, found " + epochs);
      }
    }
  }

  /** Sums over the preferences of a step. */
  private static final class Sums {
    double loss;
    double chosen;
    double rejected;
    int preferred;
    long tokens;
  }

  private final CausalLm model;
  private final List<Preference> preferences;
  private final Settings settings;
  private final double[][] reference; // [2 * preferences][targets]: chosen, rejected in turn
  private final BatchPlan plan;
  private final GradientExchange exchange;
  private final TrainingLoop loop;

  /**
   * Begins a run, or goes on with it. Several workers have the same preferences; a step has {@code
   * batchPairs} over all of them.
   *
   * @param model with what is to be trained marked so; as it was at the start, also of a resumed
   *     run
   * @param sampler over the preferences
   */
  public DpoTrainer(
      CausalLm model,
      List<Preference> preferences,
      Sampler sampler,
      Settings settings,
      RunDirectory directory,
      Progress progress)
      throws IOException {
    if (preferences.isEmpty()) {
      throw new IllegalArgumentException("preferences: expected at least one, found none");
    }
    this.model = model;
    this.preferences = List.copyOf(preferences);
    this.settings = settings;
    int[] lengths = preferences.stream().mapToInt(Preference::length).toArray();
    TrainingSettings training = settings.training();
    this.plan = new BatchPlan(sampler, lengths, settings.batchPairs(), training.microTokens());
    // Before the loop, which takes the weights of the last checkpoint.
    this.exchange = directory.exchange();
    this.reference = reference(directory);
    int steps = Math.multiplyExact(plan.stepsPerEpoch(), settings.epochs());
    this.loop = new TrainingLoop(model, training, steps, directory, progress);
  }

  /** Computed by one worker and read by the others. */
  private double[][] reference(RunDirectory directory) throws IOException {
    if (!exchange.writes()) {
      exchange.await();
    }
    double[][] out =
        ReferenceCache.of(directory.home(), sequences(), model, settings.training().microTokens());
    if (exchange.writes()) {
      exchange.await();
    }
    return out;
  }

  private List<PackedBatch.Sequence> sequences() {
    return preferences.stream().flatMap(each -> Stream.of(each.chosen(), each.rejected())).toList();
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
    int[] own = micros.stream().flatMapToInt(Arrays::stream).toArray();
    double[] whole =
        exchange.sum(
            own.length,
            IntStream.of(own).map(i -> preferences.get(i).chosen().targets().length).sum());
    int pairs = (int) whole[0];
    Sums sums = new Sums();
    for (int[] micro : micros) {
      add(micro, pairs, whole[1], sums);
    }
    return metrics(step, pairs, sums, start);
  }

  private StepMetrics metrics(int step, int pairs, Sums own, long start) {
    double[] sums = exchange.sum(own.loss, own.chosen, own.rejected, own.preferred, own.tokens);
    double seconds = (System.nanoTime() - start) * 1e-9;
    return new StepMetrics(step + 1)
        .with("loss", sums[0])
        .with("preference_accuracy", sums[3] / pairs)
        .with("margin", (sums[1] - sums[2]) / pairs)
        .with("chosen_reward", sums[1] / pairs)
        .with("rejected_reward", sums[2] / pairs)
        .with("epoch", plan.epoch(step))
        .with("tokens", sums[4])
        .with("tokens_per_second", sums[4] / seconds);
  }

  private void add(int[] micro, int pairs, double chosenTokens, Sums sums) {
    // All chosen responses, then all rejected ones.
    PackedBatch batch =
        PackedBatch.of(
            Stream.concat(
                    Arrays.stream(micro).mapToObj(i -> preferences.get(i).chosen()),
                    Arrays.stream(micro).mapToObj(i -> preferences.get(i).rejected()))
                .toList());
    sums.loss +=
        settings
            .training()
            .gradients()
            .add(
                model,
                batch,
                logs -> {
                  DpoLoss.Side chosen = side(logs, micro, 0, 0, Preference::chosen);
                  int first = chosen.responses().tokens();
                  DpoLoss.Side rejected = side(logs, micro, first, 1, Preference::rejected);
                  DpoLoss.Result result = settings.loss().of(chosen, rejected, pairs, chosenTokens);
                  note(result, sums);
                  return result.loss();
                });
    sums.tokens += batch.tokens().length;
  }

  /**
   * @param from the first of this side's targets in {@code logs}
   * @param place of the side in {@link #reference}: 0 or 1
   */
  private DpoLoss.Side side(
      Tensor logs,
      int[] micro,
      int from,
      int place,
      Function<Preference, PackedBatch.Sequence> response) {
    Responses responses =
        new Responses(
            Arrays.stream(micro)
                .map(i -> response.apply(preferences.get(i)).targets().length)
                .toArray());
    double[] before =
        Arrays.stream(micro)
            .boxed()
            .flatMapToDouble(i -> Arrays.stream(reference[2 * i + place]))
            .toArray();
    return new DpoLoss.Side(
        responses, logs.narrow(0, from, responses.tokens()), Torch.vector(before, logs));
  }

  private static void note(DpoLoss.Result result, Sums sums) {
    double[] chosen = Torch.doubles(result.chosenRewards());
    double[] rejected = Torch.doubles(result.rejectedRewards());
    for (int i = 0; i < chosen.length; i++) {
      sums.chosen += chosen[i];
      sums.rejected += rejected[i];
      sums.preferred += chosen[i] > rejected[i] ? 1 : 0;
    }
  }

  @Override
  public void close() {
    loop.close();
  }
}
