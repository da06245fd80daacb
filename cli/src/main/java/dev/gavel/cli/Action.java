package dev.gavel.cli;

import dev.gavel.cli.terminal.Terminal;
import java.io.InputStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What all commands share. {@link #call} returns the exit code. */
public abstract class Action implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  boolean debug;

  @Option(names = "--debug", description = "Log more, and show where an error comes from.")
  private void debug(boolean on) {
    debug = on;
    Logging.forDebugging();
  }

  protected final Terminal terminal() {
    return root().terminal;
  }

  protected final InputStream stdin() {
    return root().stdin;
  }

  private GavelCommand root() {
    return (GavelCommand) spec.root().userObject();
  }

  /** A command line that the parser could not know to be wrong. */
  public final ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
