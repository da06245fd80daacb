package dev.gavel.cli.items;

import dev.gavel.cli.CliException;
import dev.gavel.cli.ExitCode;
import dev.gavel.relevance.TextLines;
import dev.gavel.v1.Item;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A JSON Lines file of items, plain or gzipped; blank lines are skipped.
 *
 * @param items in file order
 * @param unknownFields names of the fields that were left out
 */
public record ItemFile(List<Item> items, Set<String> unknownFields) {
  /** The name that means standard input. */
  public static final String STDIN = "-";

  /**
   * Reads a file, or {@code stdin} where the name is {@code -}.
   *
   * @throws CliException naming file, line, what was expected and what was found
   */
  public static ItemFile read(String name, InputStream stdin) {
    String shown = name.equals(STDIN) ? "standard input" : name;
    try (TextLines lines =
        name.equals(STDIN) ? TextLines.of(stdin) : TextLines.open(Path.of(name).toAbsolutePath())) {
      return parse(shown, lines);
    } catch (TextLines.UnreadableException e) {
      throw bad(e.line() > 0 ? shown + ":" + e.line() : shown, e.getMessage());
    } catch (IOException e) {
      throw bad(shown, "expected to close, found " + e);
    }
  }

  private static ItemFile parse(String shown, TextLines lines)
      throws TextLines.UnreadableException {
    ItemParser parser = new ItemParser();
    List<Item> items = new ArrayList<>();
    for (String line = lines.next(); line != null; line = lines.next()) {
      if (line.isBlank()) {
        continue;
      }
      try {
        items.add(parser.parse(line));
      } catch (IllegalArgumentException e) {
        throw bad(shown + ":" + lines.line(), e.getMessage());
      }
    }
    if (items.isEmpty()) {
      throw bad(shown, "expected one item a line, found no line");
    }
    return new ItemFile(List.copyOf(items), parser.unknownFields());
  }

  private static CliException bad(String where, String message) {
    return new CliException(ExitCode.DATA, where + ": " + message);
  }
}
