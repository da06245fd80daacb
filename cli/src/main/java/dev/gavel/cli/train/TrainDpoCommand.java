package dev.gavel.cli.train;

import dev.gavel.training.run.Progress;
import dev.gavel.training.stage.DpoConfig;
import dev.gavel.training.stage.DpoStage;
import dev.gavel.training.stage.Report;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;

/** {@code gavel train dpo}. */
@Command(
    name = "dpo",
    description =
        "Learn from the model's own right and wrong samples, and from the teacher's answers.")
final class TrainDpoCommand extends StageCommand {
  @Override
  boolean isParallel() {
    return true;
  }

  @Override
  Report run(Path out, Progress progress) throws IOException {
    return new DpoStage(config(DpoConfig.class)).run(out, progress, exchange());
  }
}
