package dev.gavel.cli.train;

import dev.gavel.training.run.Progress;
import dev.gavel.training.stage.GrpoConfig;
import dev.gavel.training.stage.GrpoStage;
import dev.gavel.training.stage.Report;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;

/** {@code gavel train grpo}. */
@Command(
    name = "grpo",
    description = "Reinforce what the model gets right sometimes; groups are sampled as it learns.")
final class TrainGrpoCommand extends StageCommand {
  @Override
  boolean isParallel() {
    return true;
  }

  @Override
  Report run(Path out, Progress progress) throws IOException {
    return new GrpoStage(config(GrpoConfig.class)).run(out, progress, exchange());
  }
}
