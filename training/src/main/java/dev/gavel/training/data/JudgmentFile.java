package dev.gavel.training.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * Judged pairs as JSON Lines, one a line, plain or {@code .gz}:
 *
 * <pre>{@code
 * {"id": "7", "query": "red mug", "title": "Mug, crimson", "description": "0.3 l",
 *  "attributes": {"color": "crimson"}, "grade": 4, "rationale": "..."}
 * }</pre>
 *
 * <p>Needed are {@code query}, {@code title} and one of {@code grade} (a whole number, larger is
 * better), {@code relevance} (any number; see {@link SoftTarget}) and {@code distribution} (a list
 * of the grades' probabilities, best grade first). {@code attributes} is an object of texts,
 * numbers, booleans or lists of them, or a list of {@code {"name", "value"}}. {@code id} defaults
 * to the line's number. Other keys are ignored, blank lines as well.
 */
public final class JudgmentFile {
  /** Largest grade accepted; label sets are small. */
  static final int GRADE_MAX = 1000;

  private JudgmentFile() {}

  /**
   * Reads a whole file.
   *
   * @throws DataFormatException naming the line, what was expected and what was found
   */
  public static List<Judgment> read(Path file) {
    List<Judgment> out = new ArrayList<>();
    forEach(file, out::add);
    return out;
  }

  /** Reads a file pair by pair, with the errors of {@link #read}. */
  public static void forEach(Path file, Consumer<Judgment> action) {
    try (LineReader lines = new LineReader(file)) {
      for (JsonLine line = JsonLine.next(lines); line != null; line = JsonLine.next(lines)) {
        action.accept(judgment(line));
      }
    }
  }

  private static Judgment judgment(JsonLine line) {
    if (!line.has("grade") && !line.has("relevance") && !line.has("distribution")) {
      throw line.wrong(
          "grade", "a whole number, or a number as relevance, or a distribution", "none of them");
    }
    String id = line.identifier("id");
    return new Judgment(
        id.isEmpty() ? Long.toString(line.lines().line()) : id,
        line.text("query"),
        new Item(
            line.identifier("item_id"),
            "",
            line.text("title"),
            line.optionalText("description"),
            attributes(line)),
        line.has("grade")
            ? OptionalInt.of(line.integer("grade", -GRADE_MAX, GRADE_MAX))
            : OptionalInt.empty(),
        line.has("relevance")
            ? OptionalDouble.of(line.number("relevance"))
            : OptionalDouble.empty(),
        line.optionalText("rationale"),
        distribution(line));
  }

  private static List<Double> distribution(JsonLine line) {
    if (!line.has("distribution")) {
      return List.of();
    }
    List<Double> given = line.numbers("distribution");
    if (!Judgment.isDistribution(given)) {
      throw line.wrong("distribution", "at least 2 probabilities that sum to 1", given);
    }
    return given;
  }

  private static List<Attribute> attributes(JsonLine line) {
    List<Attribute> out = new ArrayList<>();
    if (!line.has("attributes")) {
      return out;
    }
    JsonNode given = line.node().get("attributes");
    if (given.isObject()) {
      given.properties().forEach(entry -> add(line, entry.getKey(), entry.getValue(), out));
    } else if (given.isArray()) {
      for (JsonNode element : given) {
        if (!element.path("name").isTextual() || !element.has("value")) {
          throw line.wrong("attributes", "elements {\"name\", \"value\"}", JsonLine.kind(element));
        }
        add(line, element.get("name").asText(), element.get("value"), out);
      }
    } else {
      throw line.wrong("attributes", "an object or an array", JsonLine.kind(given));
    }
    return out;
  }

  private static void add(JsonLine line, String name, JsonNode value, List<Attribute> out) {
    if (value.isArray()) {
      value.forEach(element -> add(line, name, element, out));
    } else if (value.isObject()) {
      throw line.wrong("attributes." + name, "a text, a number or a list", "an object");
    } else if (!value.isNull()) {
      out.add(new Attribute(name, value.asText()));
    }
  }
}
