package dev.gavel.cli.train;

import dev.gavel.training.run.Progress;
import dev.gavel.training.stage.CalibrateConfig;
import dev.gavel.training.stage.CalibrateStage;
import dev.gavel.training.stage.Report;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;

/** {@code gavel train calibrate}. */
@Command(
    name = "calibrate",
    description = "Find the tier threshold on judged pairs and write it to the model's gavel.json.")
final class TrainCalibrateCommand extends StageCommand {
  @Override
  Report run(Path out, Progress progress) throws IOException {
    return new CalibrateStage(config(CalibrateConfig.class)).run(out, progress);
  }
}
