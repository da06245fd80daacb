package dev.gavel.training.stage;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.dpo.DpoTrainer;
import dev.gavel.training.dpo.PreferenceBuilder;
import dev.gavel.training.rollout.SampleFile;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Preference optimization on the model's own samples (TaoSR1, stage 2). */
public final class DpoStage {
  private final DpoConfig config;

  public DpoStage(DpoConfig config) {
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
      PreferenceBuilder.Built built = preferences(stage.base());
      progress.note(built.preferences().size() + " preferences");
      ModelRun run = stage.load(null);
      try (DpoTrainer trainer =
          new DpoTrainer(
              run.model(),
              built.preferences(),
              Sampler.shuffled(built.preferences().size(), config.seed()),
              config.trainer(),
              stage.directory(),
              progress)) {
        run.train(trainer, config.evaluateSteps());
      }
      String origin = built.preferences().size() + " preferences of " + config.data().getFileName();
      run.finish(config.averageCheckpoints(), Map.of("dpo", origin));
      return run.written(DpoReport.of(config, stage.base(), built, stage.directory().metrics()));
    }
  }

  private PreferenceBuilder.Built preferences(RelevanceModel base) {
    List<Judgment> pairs = SampleStage.pairs(base, config.data());
    PreferenceBuilder builder =
        new PreferenceBuilder(base, config.form(), config.preferencesEach(), config.seed());
    PreferenceBuilder.Built built =
        builder.build(pairs, new SampleFile(config.samples(), base.labels()).read());
    if (built.preferences().isEmpty()) {
      throw new IllegalArgumentException(
          config.samples() + ": expected samples that make a preference, found " + built.counts());
    }
    return built;
  }
}
