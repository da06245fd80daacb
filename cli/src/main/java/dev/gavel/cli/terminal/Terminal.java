package dev.gavel.cli.terminal;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Where a command writes.
 *
 * @param out results
 * @param err errors and progress
 * @param interactive whether {@code out} is a terminal
 * @param colour whether to colour {@code out}
 * @param columns cells per line; tables fit into it
 */
public record Terminal(
    PrintStream out, PrintStream err, boolean interactive, boolean colour, int columns) {
  private static final int PIPE_COLUMNS = 120;

  /**
   * This process's terminal, as the launcher found it: the system properties {@code gavel.terminal}
   * and {@code gavel.columns}. Text is UTF-8 whatever the locale, since queries are.
   */
  public static Terminal ofProcess() {
    boolean interactive = Boolean.getBoolean("gavel.terminal");
    String noColour = System.getenv("NO_COLOR");
    boolean colour =
        interactive
            && (noColour == null || noColour.isEmpty())
            && !"dumb".equals(System.getenv("TERM"));
    int columns = interactive ? Integer.getInteger("gavel.columns", 80) : PIPE_COLUMNS;
    return new Terminal(
        utf8(System.out), utf8(System.err), interactive, colour, Math.max(columns, 40));
  }

  private static PrintStream utf8(PrintStream stream) {
    return new PrintStream(stream, true, StandardCharsets.UTF_8);
  }

  /** {@code text} in {@code style}, or as it is where there is no colour. */
  public String styled(Style style, String text) {
    return colour && !text.isEmpty() ? style.code() + text + Style.RESET : text;
  }
}
