package dev.gavel.training.stage;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.grpo.EngineSource;
import dev.gavel.training.grpo.GrpoTrainer;
import dev.gavel.training.grpo.Reward;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.rollout.PolicyEngine;
import dev.gavel.training.rollout.Rollout;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.teacher.ConclusionParser;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.ToIntFunction;

/** Reinforcement learning with difficulty-based dynamic sampling (TaoSR1, stage 3). */
public final class GrpoStage {
  private final GrpoConfig config;

  public GrpoStage(GrpoConfig config) {
    this.config = config;
  }

  /**
   * Trains, or goes on with what {@code out} holds, and writes {@code model/} and the report there.
   *
   * @throws IllegalArgumentException naming what is wrong with configuration, data or directory
   */
  public Report run(Path out, Progress progress) throws IOException {
    return run(out, progress, GradientExchange.ALONE);
  }

  /** The same as one of several workers, who all see the same files. */
  public Report run(Path out, Progress progress, GradientExchange exchange) throws IOException {
    try (TrainedStage stage = TrainedStage.begin(config, out, progress, exchange)) {
      GrpoPool pool = GrpoPool.read(stage.base(), config);
      progress.note(pool.pairs().size() + " pairs");
      ModelRun run = stage.load(null);
      train(run, stage.base(), pool);
      String origin = pool.pairs().size() + " pairs of " + config.data().getFileName();
      run.finish(config.averageCheckpoints(), Map.of("grpo", origin));
      return run.written(GrpoReport.of(config, stage.base(), pool, stage.directory().metrics()));
    }
  }

  private void train(ModelRun run, RelevanceModel base, GrpoPool pool) throws IOException {
    boolean tied = config.objective().klWeight() > 0;
    try (CausalLm reference = tied ? CausalLm.load(config.model(), config.precision()) : null;
        PolicyEngine engine = new PolicyEngine(base, config.engine())) {
      GrpoTrainer.Task task =
          new GrpoTrainer.Task(
              run.model(),
              reference,
              pool.labels(),
              pool.order(),
              new EngineSource(engine, pool.pairs(), config.spec()),
              reward(base));
      int workers = run.directory().exchange().workers();
      try (GrpoTrainer trainer =
          new GrpoTrainer(task, config.trainer(workers), run.directory(), run.progress())) {
        run.train(trainer, config.evaluateSteps());
      }
    }
  }

  private Reward reward(RelevanceModel base) {
    ConclusionParser parser = new ConclusionParser(base.labels());
    ToIntFunction<Rollout> conclusion = response -> parser.parse(response.text()).orElse(-1);
    return new Reward(
        config.reward().format(),
        config.reward().consistency(),
        response -> conclusion.applyAsInt(response) >= 0,
        conclusion);
  }
}
