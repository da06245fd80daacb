package dev.gavel.training.data;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A text with an id of its own, such as a rationale or a rule.
 *
 * @param category what it is about, or empty
 */
public record NamedText(String id, String text, String category) {
  private static final Pattern LINE =
      Pattern.compile("([^\\s:\\[\\]]+)(?:\\s*\\[([^\\]]*)\\])?\\s*:\\s*(.*\\S)\\s*");

  /**
   * Reads a file: JSON Lines with {@code id}, {@code text} under the key given, and optionally
   * {@code category}, if its name ends in {@code .jsonl} or {@code .jsonl.gz}; otherwise plain
   * lines {@code id: text} or {@code id [category]: text}, in which blank ones and those that begin
   * with {@code #} are skipped.
   *
   * @throws DataFormatException naming the line, what was expected and what was found
   */
  public static List<NamedText> read(Path file, String key) {
    Map<String, NamedText> out = new LinkedHashMap<>();
    boolean json = file.toString().replaceFirst("\\.gz$", "").endsWith(".jsonl");
    try (LineReader lines = new LineReader(file)) {
      for (NamedText next = next(lines, json, key); next != null; next = next(lines, json, key)) {
        if (out.put(next.id(), next) != null) {
          throw lines.error("id: expected every id once, found " + next.id() + " again");
        }
      }
    }
    return List.copyOf(out.values());
  }

  private static NamedText next(LineReader lines, boolean json, String key) {
    if (json) {
      JsonLine line = JsonLine.next(lines);
      return line == null ? null : of(line, key);
    }
    for (String text = lines.next(); text != null; text = lines.next()) {
      if (!text.isBlank() && !text.startsWith("#")) {
        return of(lines, text);
      }
    }
    return null;
  }

  private static NamedText of(JsonLine line, String key) {
    String id = line.identifier("id");
    if (id.isBlank()) {
      throw line.wrong("id", "a text or a whole number", "nothing");
    }
    return new NamedText(id, line.text(key).strip(), line.optionalText("category").strip());
  }

  private static NamedText of(LineReader lines, String text) {
    Matcher parts = LINE.matcher(text);
    if (!parts.matches()) {
      throw lines.error("expected \"id: text\" or \"id [category]: text\", found " + text);
    }
    String category = parts.group(2) == null ? "" : parts.group(2).strip();
    return new NamedText(parts.group(1), parts.group(3), category);
  }
}
