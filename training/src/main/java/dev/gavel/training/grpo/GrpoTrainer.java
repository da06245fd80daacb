package dev.gavel.training.grpo;

import dev.gavel.training.data.Sampler;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.run.Trainer;
import dev.gavel.training.run.TrainingLoop;
import java.io.IOException;
import java.util.List;

/** Trains a policy on groups of its own responses. */
public final class GrpoTrainer implements Trainer {
  /**
   * What is trained on what.
   *
   * @param policy with what is to be trained marked so
   * @param reference what the divergence is from; may be null where that has no weight
   * @param labels index into the label set of every pair
   * @param order of the pairs; see {@link PairPool#order}
   * @param source samples responses of the policy
   */
  public record Task(
      CausalLm policy,
      CausalLm reference,
      int[] labels,
      Sampler order,
      RolloutSource source,
      Reward reward) {
    public Task {
      labels = labels.clone();
    }
  }

  private final Task task;
  private final GrpoSettings settings;
  private final GradientExchange exchange;
  private final PairPool pool;
  private final GroupCollector collector;
  private final PolicyStep policyStep;
  private final TrainingLoop loop;
  private final int share;
  private List<Experience> batch;

  /**
   * Begins a run, or goes on with it. Several workers have a source each; a batch has {@code
   * batchGroups} over all of them.
   */
  public GrpoTrainer(Task task, GrpoSettings settings, RunDirectory directory, Progress progress)
      throws IOException {
    if (settings.loss().klWeight() > 0 && task.reference() == null) {
      throw new IllegalArgumentException("grpo: expected a reference for the KL term, found none");
    }
    this.task = task;
    this.settings = settings;
    this.exchange = directory.exchange();
    this.share = settings.groups().share(exchange.workers());
    this.pool = new PairPool(task.order(), exchange.rank(), exchange.workers());
    this.collector =
        new GroupCollector(pool, task.source(), task.labels(), task.reward(), settings.groups());
    this.policyStep = new PolicyStep(task.policy(), settings, exchange);
    this.loop =
        new TrainingLoop(task.policy(), settings.training(), settings.steps(), directory, progress);
    pool.skipTo(loop.state().isEmpty() ? 0 : Long.parseLong(loop.state()));
  }

  @Override
  public int steps() {
    return loop.steps();
  }

  @Override
  public int done() {
    return loop.done();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if no group of a whole batch could be kept: the pairs are all
   *     too easy or too hard for the policy
   */
  @Override
  public void run(int untilStep) throws IOException {
    loop.run(
        new TrainingLoop.Stage() {
          @Override
          public StepMetrics accumulate(int step) {
            return step(step);
          }

          @Override
          public String state() {
            return Long.toString(pool.taken());
          }
        },
        untilStep);
  }

  private StepMetrics step(int step) {
    GroupMetrics sampled = null;
    int inner = step % settings.use().innerEpochs();
    if (inner == 0) {
      sampled = collect(step / settings.use().innerEpochs());
    }
    StepMetrics metrics = policyStep.accumulate(new StepMetrics(step + 1), batch);
    return sampled == null ? metrics : sampled.addTo(metrics);
  }

  private GroupMetrics collect(int number) {
    int pushBatches = settings.use().pushBatches();
    if (number % pushBatches == 0) {
      task.source().push(task.policy());
    }
    boolean last = (number + 1) % pushBatches == 0;
    long seed = Sampler.random(settings.seed() + exchange.rank(), number).nextLong();
    GroupCollector.Collected collected = collector.collect(share, seed, last);
    GroupMetrics metrics = GroupMetrics.of(collected, task.labels(), settings.groups(), exchange);
    metrics.requireGroups(number);
    boolean keepOld = settings.use().old() == GrpoSettings.OldLogProbs.ROLLOUT;
    batch = Experience.of(collected.groups(), settings.advantages(), keepOld);
    if (task.reference() != null) {
      policyStep.refer(task.reference(), batch);
    }
    return metrics;
  }

  @Override
  public void close() {
    loop.close();
  }
}
