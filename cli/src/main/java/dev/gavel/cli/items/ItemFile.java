package dev.gavel.cli.items;

import dev.gavel.cli.CliException;
import dev.gavel.cli.ExitCode;
import dev.gavel.relevance.UnreadableFile;
import dev.gavel.v1.Item;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.zip.GZIPInputStream;

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
    try (InputStream in =
        name.equals(STDIN) ? stdin : Files.newInputStream(Path.of(name).toAbsolutePath())) {
      return parse(shown, in);
    } catch (IOException e) {
      throw bad(shown, "expected a file, found " + UnreadableFile.found(Path.of(name), e));
    }
  }

  private static ItemFile parse(String shown, InputStream raw) throws IOException {
    ItemParser parser = new ItemParser();
    List<Item> items = new ArrayList<>();
    BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(maybeGunzip(raw), StandardCharsets.UTF_8.newDecoder()));
    int number = 0;
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      number++;
      if (number == 1 && line.startsWith("\uFEFF")) {
        line = line.substring(1);
      }
      if (line.isBlank()) {
        continue;
      }
      try {
        items.add(parser.parse(line));
      } catch (IllegalArgumentException e) {
        throw bad(shown + ":" + number, e.getMessage());
      }
    }
    if (items.isEmpty()) {
      throw bad(shown, "expected one item a line, found no line");
    }
    return new ItemFile(List.copyOf(items), parser.unknownFields());
  }

  /** Gzip is told by its first two bytes, whatever the name. */
  private static InputStream maybeGunzip(InputStream raw) throws IOException {
    BufferedInputStream in = new BufferedInputStream(raw);
    in.mark(2);
    boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
    in.reset();
    return gzip ? new GZIPInputStream(in) : in;
  }

  private static CliException bad(String where, String message) {
    return new CliException(ExitCode.DATA, where + ": " + message);
  }
}
