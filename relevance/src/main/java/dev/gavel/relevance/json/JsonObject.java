package dev.gavel.relevance.json;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.ModelFormatException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * A JSON object of a named file. A key whose value is {@code null} counts as absent, as in the
 * configurations that Transformers writes. Every getter throws {@link ModelFormatException} for a
 * value of another kind, and those without a default also for an absent one.
 */
public final class JsonObject {
  private final String file;
  private final String path; // of this object within the file, ending in a dot, or empty
  private final JsonNode node;

  JsonObject(String file, String path, JsonNode node) {
    this.file = file;
    this.path = path;
    this.node = node;
  }

  /** The file's name. */
  public String file() {
    return file;
  }

  /** The Jackson object below. */
  public JsonNode node() {
    return node;
  }

  public boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** The keys, in the file's order. */
  public List<String> keys() {
    List<String> keys = new ArrayList<>();
    node.fieldNames().forEachRemaining(keys::add);
    return keys;
  }

  /** The raw value, or null if absent. */
  public JsonNode raw(String key) {
    return has(key) ? node.get(key) : null;
  }

  public String string(String key) {
    return required(key, JsonNode::isTextual, "a string").asText();
  }

  public String string(String key, String fallback) {
    return has(key) ? string(key) : fallback;
  }

  public boolean bool(String key, boolean fallback) {
    return has(key) ? required(key, JsonNode::isBoolean, "true or false").asBoolean() : fallback;
  }

  /** An integer in [{@code min}, {@code max}]. */
  public int integer(String key, int min, int max) {
    String expected = "an integer from " + min + " to " + max;
    JsonNode value = required(key, JsonNode::isIntegralNumber, expected);
    if (!value.canConvertToInt() || value.asInt() < min || value.asInt() > max) {
      throw wrong(key, expected, JsonFile.kind(value));
    }
    return value.asInt();
  }

  public int integer(String key, int min, int max, int fallback) {
    return has(key) ? integer(key, min, max) : fallback;
  }

  /** A finite number. */
  public double number(String key) {
    JsonNode value = required(key, JsonNode::isNumber, "a number");
    if (!Double.isFinite(value.asDouble())) {
      throw wrong(key, "a finite number", JsonFile.kind(value));
    }
    return value.asDouble();
  }

  public double number(String key, double fallback) {
    return has(key) ? number(key) : fallback;
  }

  public JsonObject object(String key) {
    return new JsonObject(file, path + key + ".", required(key, JsonNode::isObject, "an object"));
  }

  /** A list of strings; empty if absent. */
  public List<String> strings(String key) {
    List<String> out = new ArrayList<>();
    if (has(key)) {
      for (JsonNode element : required(key, JsonNode::isArray, "an array of strings")) {
        if (!element.isTextual()) {
          throw wrong(key, "an array of strings", "an element " + JsonFile.kind(element));
        }
        out.add(element.asText());
      }
    }
    return out;
  }

  /** A list of objects; empty if absent. */
  public List<JsonObject> objects(String key) {
    List<JsonObject> out = new ArrayList<>();
    if (has(key)) {
      for (JsonNode element : required(key, JsonNode::isArray, "an array of objects")) {
        if (!element.isObject()) {
          throw wrong(key, "an array of objects", "an element " + JsonFile.kind(element));
        }
        out.add(new JsonObject(file, path + key + "[" + out.size() + "].", element));
      }
    }
    return out;
  }

  /** An object whose values are strings, in the file's order; empty if absent. */
  public Map<String, String> stringMap(String key) {
    Map<String, String> out = new LinkedHashMap<>();
    if (has(key)) {
      JsonObject map = object(key);
      map.keys().forEach(name -> out.put(name, map.string(name)));
    }
    return out;
  }

  /**
   * Refuses keys that are not known, so that a typo is found.
   *
   * @throws ModelFormatException naming the first unknown key and the known ones
   */
  public void onlyKeys(Set<String> known) {
    for (Iterator<String> keys = node.fieldNames(); keys.hasNext(); ) {
      String key = keys.next();
      if (!known.contains(key)) {
        throw new ModelFormatException(
            file, path + key + ": unknown key; expected one of " + new TreeSet<>(known));
      }
    }
  }

  /** The error for a value that is not what was expected. */
  public ModelFormatException wrong(String key, String expected, Object found) {
    return new ModelFormatException(
        file, path + key + ": expected " + expected + ", found " + found);
  }

  private JsonNode required(String key, Predicate<JsonNode> is, String expected) {
    JsonNode value = node.get(key);
    if (value == null || value.isNull()) {
      throw wrong(key, expected, value == null ? "nothing" : "null");
    }
    if (!is.test(value)) {
      throw wrong(key, expected, JsonFile.kind(value));
    }
    return value;
  }
}
