package dev.gavel.training.stage;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.sft.SftTrainer;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Supervised fine-tuning (TaoSR1, stage 1). */
public final class SftStage {
  private final SftConfig config;

  public SftStage(SftConfig config) {
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
      SftExamples examples = SftExamples.read(base, config);
      DevSet dev =
          config.dev() == null ? null : new DevSet(base, config.dev(), config.microTokens());
      progress.note("loading the model");
      try (CausalLm model = CausalLm.load(config.model(), config.precision())) {
        if (config.lora() == null) {
          model.parameters().train(config.trainable());
        } else {
          model.add(config.lora().toLora(config.seed()));
        }
        if (config.rounding() != null) {
          model.add(config.rounding().toRounding());
        }
        ModelRun run =
            new ModelRun(model, config.model(), config.dtype(), dev, directory, progress);
        try (SftTrainer trainer =
            new SftTrainer(
                model,
                examples.sequences(),
                examples.sampler(config),
                config.trainer(),
                directory,
                progress)) {
          int last = config.stopSteps() == 0 ? trainer.steps() : config.stopSteps();
          run.train(trainer, config.evaluateSteps(), Math.min(last, trainer.steps()));
        }
        run.finish(config.averageCheckpoints(), Map.of("sft", origin()));
      }
      return ModelRun.written(SftReport.of(config, base, examples, directory.metrics()), directory);
    }
  }

  private String origin() {
    String files =
        config.data().stream()
            .map(file -> file.path().getFileName().toString())
            .collect(Collectors.joining(", "));
    return config.form().name().toLowerCase(Locale.ROOT).replace('_', '-') + " on " + files;
  }
}
