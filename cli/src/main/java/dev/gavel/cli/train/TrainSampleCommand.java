package dev.gavel.cli.train;

import dev.gavel.training.run.Progress;
import dev.gavel.training.stage.Report;
import dev.gavel.training.stage.SampleConfig;
import dev.gavel.training.stage.SampleStage;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;

/** {@code gavel train sample}. */
@Command(
    name = "sample",
    description = "Draw responses on the engine and count the right ones: pass@1 to pass@N.")
final class TrainSampleCommand extends StageCommand {
  @Override
  Report run(Path out, Progress progress) throws IOException {
    return new SampleStage(config(SampleConfig.class)).run(out, progress);
  }
}
