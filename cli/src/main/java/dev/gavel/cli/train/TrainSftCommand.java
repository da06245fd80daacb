package dev.gavel.cli.train;

import dev.gavel.training.run.Progress;
import dev.gavel.training.stage.Report;
import dev.gavel.training.stage.SftConfig;
import dev.gavel.training.stage.SftStage;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;

/** {@code gavel train sft}. */
@Command(
    name = "sft",
    description = "Fine-tune on labels, with or without reasoning; prompts are not learned.")
final class TrainSftCommand extends StageCommand {
  @Override
  boolean isParallel() {
    return true;
  }

  @Override
  Report run(Path out, Progress progress) throws IOException {
    return new SftStage(config(SftConfig.class)).run(out, progress, exchange());
  }
}
