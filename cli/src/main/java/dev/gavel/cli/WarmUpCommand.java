package dev.gavel.cli;

import picocli.CommandLine.Command;

/** {@code gavel warm-up}: loads what most commands load, for the archive of classes. */
@Command(name = "warm-up", hidden = true)
public final class WarmUpCommand extends Action {
  @Override
  public Integer call() {
    return ExitCode.OK;
  }
}
