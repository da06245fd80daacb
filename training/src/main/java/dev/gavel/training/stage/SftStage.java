package dev.gavel.training.stage;

import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.sft.SftTrainer;
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
    try (TrainedStage stage = TrainedStage.begin(config, out, progress, exchange)) {
      SftExamples examples = SftExamples.read(stage.base(), config);
      ModelRun run = stage.load(config.trainable());
      if (config.rounding() != null) {
        run.model().add(config.rounding().toRounding());
      }
      try (SftTrainer trainer =
          new SftTrainer(
              run.model(),
              examples.sequences(),
              examples.sampler(config),
              config.trainer(),
              stage.directory(),
              progress)) {
        run.train(trainer, config.evaluateSteps());
      }
      run.finish(config.averageCheckpoints(), Map.of("sft", origin()));
      return run.written(SftReport.of(config, stage.base(), examples, stage.directory().metrics()));
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
