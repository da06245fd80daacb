package dev.gavel.cli;

import dev.gavel.cli.terminal.Terminal;
import java.io.InputStream;
import java.util.Arrays;

/** The entry point. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    Logging.forCommand();
    Terminal terminal = Terminal.ofProcess();
    int exitCode = run(args, terminal, System.in);
    terminal.out().flush();
    System.exit(exitCode);
  }

  /** Runs one command line; for tests too. */
  public static int run(String[] args, Terminal terminal, InputStream stdin) {
    try {
      return GavelCommand.commandLine(new GavelCommand(terminal, stdin)).execute(args);
    } catch (Error e) { // the parser hands on exceptions only
      Failure failure = Failure.of(e);
      terminal.err().println("gavel: " + failure.line());
      if (Arrays.asList(args).contains("--debug")) {
        e.printStackTrace(terminal.err());
      }
      return failure.exitCode();
    }
  }
}
