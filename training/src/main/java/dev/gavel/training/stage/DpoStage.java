package dev.gavel.training.stage;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.dpo.DpoTrainer;
import dev.gavel.training.dpo.PreferenceBuilder;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.rollout.SampleFile;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.torch.Torch;
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
    RunDirectory directory = RunDirectory.open(out, StageConfig.toJson(config), exchange);
    Torch.load();
    if (config.threads() > 0) {
      Torch.threads(config.threads());
    }
    try (RelevanceModel base = RelevanceModel.open(config.model())) {
      progress.note("reading the data");
      PreferenceBuilder.Built built = preferences(base);
      DevSet dev =
          config.dev() == null ? null : new DevSet(base, config.dev(), config.microTokens());
      progress.note("loading the model; " + built.preferences().size() + " preferences");
      try (CausalLm model = CausalLm.load(config.model(), config.precision())) {
        if (config.lora() == null) {
          model.parameters().train(true);
        } else {
          model.add(config.lora().toLora(config.seed()));
        }
        ModelRun run =
            new ModelRun(model, config.model(), config.dtype(), dev, directory, progress);
        try (DpoTrainer trainer =
            new DpoTrainer(
                model,
                built.preferences(),
                Sampler.shuffled(built.preferences().size(), config.seed()),
                config.trainer(),
                directory,
                progress)) {
          run.train(trainer, config.evaluateSteps());
        }
        run.finish(
            config.averageCheckpoints(),
            Map.of(
                "dpo",
                built.preferences().size() + " preferences of " + config.data().getFileName()));
      }
      return ModelRun.written(DpoReport.of(config, base, built, directory.metrics()), directory);
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
