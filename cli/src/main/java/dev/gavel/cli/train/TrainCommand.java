package dev.gavel.cli.train;

import dev.gavel.cli.Action;
import picocli.CommandLine.Command;

/** {@code gavel train}. */
@Command(
    name = "train",
    description = "Train a model on judged pairs, stage by stage.",
    subcommands = {
      TrainTeachCommand.class,
      TrainSftCommand.class,
      TrainSampleCommand.class,
      TrainDpoCommand.class,
      TrainGrpoCommand.class,
      TrainCalibrateCommand.class
    },
    synopsisSubcommandLabel = "COMMAND")
public final class TrainCommand extends Action {
  @Override
  public Integer call() {
    throw usage("expected a command: teach, sft, sample, dpo, grpo or calibrate");
  }
}
