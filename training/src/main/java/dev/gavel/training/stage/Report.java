package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What a stage has to say: titled sections of text, tables and plots, and data for programs.
 *
 * <p>{@link #write} makes {@code report.md}, {@code report.json} and an SVG file for each plot. The
 * JSON holds the data under their keys and the sections under {@code sections}.
 */
public final class Report {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]*");

  private final String title;
  private final StringBuilder markdown = new StringBuilder();
  private final ObjectNode data = MAPPER.createObjectNode();
  private final ArrayNode sections = MAPPER.createArrayNode();
  private final Map<String, String> plots = new LinkedHashMap<>();
  private ArrayNode parts;

  public Report(String title) {
    this.title = title;
    data.put("title", title);
  }

  /** Begins a section. */
  public Report section(String heading) {
    markdown.append("\n## ").append(heading).append('\n');
    parts = sections.addObject().put("title", heading).putArray("parts");
    return this;
  }

  /** A paragraph of Markdown. */
  public Report text(String paragraph) {
    markdown.append('\n').append(paragraph.strip()).append('\n');
    parts().addObject().put("text", paragraph.strip());
    return this;
  }

  /**
   * A table.
   *
   * @param rows as many cells each as the header
   */
  public Report table(List<String> header, List<List<String>> rows) {
    markdown.append('\n').append(line(header));
    markdown.append("|---".repeat(header.size())).append("|\n");
    ObjectNode json = parts().addObject().putObject("table");
    header.forEach(json.putArray("header")::add);
    ArrayNode jsonRows = json.putArray("rows");
    for (List<String> row : rows) {
      if (row.size() != header.size()) {
        throw new IllegalArgumentException(
            "table: expected " + header.size() + " cells, found " + row.size());
      }
      markdown.append(line(row));
      row.forEach(jsonRows.addArray()::add);
    }
    return this;
  }

  private static String line(List<String> cells) {
    StringBuilder out = new StringBuilder();
    cells.forEach(cell -> out.append("| ").append(escaped(cell)).append(' '));
    return out.append("|\n").toString();
  }

  private static String escaped(String cell) {
    return cell.replace("|", "\\|").replaceAll("\\s*[\\r\\n]+\\s*", " ");
  }

  /**
   * A plot.
   *
   * @param name of the file, without {@code .svg}; lower case, digits and hyphens
   */
  public Report plot(String name, String caption, String svg) {
    if (!NAME.matcher(name).matches() || plots.putIfAbsent(name, svg) != null) {
      throw new IllegalArgumentException(
          "plot: expected a name of lower case, digits and hyphens, once, found " + name);
    }
    markdown.append("\n![").append(caption).append("](").append(name).append(".svg)\n");
    parts().addObject().put("plot", name + ".svg").put("caption", caption);
    return this;
  }

  /** A value for programs, under a key of its own in {@code report.json}. */
  public Report data(String key, JsonNode value) {
    if (data.has(key) || key.equals("sections")) {
      throw new IllegalArgumentException("data: expected a key once, found " + key + " again");
    }
    data.set(key, value);
    return this;
  }

  private ArrayNode parts() {
    return parts == null ? section("Summary").parts : parts;
  }

  /** The whole report, for people. */
  public String toMarkdown() {
    return "# " + title + "\n" + markdown;
  }

  /** The whole report, for programs. */
  public ObjectNode toJson() {
    ObjectNode out = data.deepCopy();
    out.set("sections", sections.deepCopy());
    return out;
  }

  /** Writes all files into a folder, which is made if absent; {@code report.json} comes last. */
  public void write(Path folder) throws IOException {
    Files.createDirectories(folder);
    for (Map.Entry<String, String> plot : plots.entrySet()) {
      whole(folder.resolve(plot.getKey() + ".svg"), plot.getValue());
    }
    whole(folder.resolve("report.md"), toMarkdown());
    String json = MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(toJson());
    whole(folder.resolve("report.json"), json + "\n");
  }

  private static void whole(Path file, String text) throws IOException {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    Files.writeString(partial, text);
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
