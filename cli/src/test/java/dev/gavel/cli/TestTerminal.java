package dev.gavel.cli;

import dev.gavel.cli.terminal.Terminal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** A terminal that remembers, and command lines run on it. */
public final class TestTerminal {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Terminal terminal;

  public TestTerminal(int columns) {
    this(columns, false);
  }

  public TestTerminal(int columns, boolean colour) {
    terminal =
        new Terminal(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            colour,
            colour,
            columns);
  }

  public Terminal terminal() {
    return terminal;
  }

  /** Runs a command line with nothing on standard input. */
  public int run(String... args) {
    return runWith("", args);
  }

  /** Runs a command line with {@code stdin} on standard input. */
  public int runWith(String stdin, String... args) {
    return Main.run(
        args, terminal, new ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8)));
  }

  public String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  public String err() {
    return err.toString(StandardCharsets.UTF_8);
  }
}
