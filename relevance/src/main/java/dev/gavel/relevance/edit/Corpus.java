package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.TextLines;
import dev.gavel.relevance.json.JsonFile;
import dev.gavel.relevance.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * The texts of pairs as JSON Lines, plain or gzipped: {@code query}, {@code title}, {@code text},
 * {@code description}, {@code rationale}, and names and values of {@code attributes}. All are
 * optional, so judged pairs, unjudged ones and bare items will do; other keys are ignored.
 */
public final class Corpus {
  private static final List<String> FIELDS =
      List.of("query", "title", "text", "description", "rationale");

  private Corpus() {}

  /**
   * Hands every text to {@code action}.
   *
   * @throws ModelFormatException naming the file, or the line, that is not as expected
   */
  public static void forEach(Path file, Consumer<String> action) {
    try (TextLines lines = TextLines.open(file)) {
      for (String text = lines.next(); text != null; text = lines.next()) {
        if (!text.isBlank()) {
          texts(JsonFile.parse(file + " line " + lines.line(), text), action);
        }
      }
    } catch (TextLines.UnreadableException e) {
      String where = e.line() > 0 ? file + " line " + e.line() : file.toString();
      throw new ModelFormatException(where, e.getMessage(), e);
    } catch (IOException e) {
      throw new ModelFormatException(file.toString(), "expected to close, found " + e, e);
    }
  }

  private static void texts(JsonObject json, Consumer<String> action) {
    for (String field : FIELDS) {
      accept(json.string(field, ""), action);
    }
    JsonNode attributes = json.raw("attributes");
    if (attributes == null) {
      return;
    }
    if (attributes.isObject()) {
      attributes
          .properties()
          .forEach(
              entry -> {
                accept(entry.getKey(), action);
                values(entry.getValue(), action);
              });
    } else {
      values(attributes, action);
    }
  }

  /** Texts, numbers, lists of them, and {@code {"name", "value"}}. */
  private static void values(JsonNode node, Consumer<String> action) {
    if (node.isValueNode()) {
      accept(node.isNull() ? "" : node.asText(), action);
    } else {
      node.forEach(element -> values(element, action));
    }
  }

  private static void accept(String text, Consumer<String> action) {
    if (!text.isEmpty()) {
      action.accept(text);
    }
  }
}
