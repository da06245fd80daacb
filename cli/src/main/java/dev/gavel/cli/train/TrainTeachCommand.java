package dev.gavel.cli.train;

import dev.gavel.training.run.Progress;
import dev.gavel.training.stage.Report;
import dev.gavel.training.stage.TeachConfig;
import dev.gavel.training.stage.TeachStage;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;

/** {@code gavel train teach}. */
@Command(
    name = "teach",
    description = "Have a teacher write the reasoning of judged pairs, which sft then learns.")
final class TrainTeachCommand extends StageCommand {
  @Override
  Report run(Path out, Progress progress) throws IOException {
    return new TeachStage(config(TeachConfig.class)).run(out, progress);
  }
}
