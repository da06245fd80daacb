package dev.gavel.cli;

import picocli.CommandLine.Command;

/** {@code gavel serve}: loads what most commands load, for the archive of classes. */
@Command(name = "serve", hidden = true)
public final class ServeCommand extends Action {
  @Override
  public Integer call() {
    return ExitCode.OK;
  }
}
