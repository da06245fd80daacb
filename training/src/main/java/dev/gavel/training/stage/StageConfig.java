package dev.gavel.training.stage;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.gavel.relevance.UnreadableFile;
import dev.gavel.relevance.json.JsonFile;
import java.io.IOException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;

/**
 * Reads the configuration of a stage, YAML (of which JSON is a part), into a record.
 *
 * <p>A component without {@link Default} must be given. Components may be numbers, booleans, texts,
 * paths, enums (spelled like {@code label-first}), records and lists of these. What a record's own
 * constructor refuses is reported under the record's key.
 */
public final class StageConfig {
  /** What a key is where it is not given, as YAML; {@code null} makes the component null. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.RECORD_COMPONENT)
  public @interface Default {
    String value();
  }

  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private StageConfig() {}

  /**
   * Reads a file.
   *
   * @param overrides values, as YAML, by key; dots go into objects, numbers into lists ({@code
   *     data.0.weight})
   * @throws IllegalArgumentException naming the file and the key, what was expected and found
   */
  public static <T extends Record> T read(Path file, Map<String, String> overrides, Class<T> type) {
    try {
      return parse(Files.readString(file), overrides, type);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(file + ": expected a file, found nothing", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          file + ": expected a readable file, found " + UnreadableFile.found(file, e), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  /** The same from a text. */
  public static <T extends Record> T parse(
      String text, Map<String, String> overrides, Class<T> type) {
    JsonNode given = yaml(text);
    ObjectNode root;
    if (given.isMissingNode() || given.isNull()) {
      root = YAML.createObjectNode();
    } else if (given instanceof ObjectNode object) {
      root = object;
    } else {
      throw new IllegalArgumentException("expected keys and values, found " + given);
    }
    overrides.forEach((key, value) -> put(root, key, value));
    return type.cast(RecordBinder.bind(root, type));
  }

  /** The configuration with all its defaults, as it would be read again. */
  public static ObjectNode toJson(Record config) {
    return RecordBinder.toJson(config);
  }

  /**
   * Every key of a stage with its default: empty where it must be given, {@code null} where it may
   * be left out. Elements of lists are named {@code data[].path}.
   */
  public static Map<String, String> keys(Class<? extends Record> type) {
    return RecordBinder.keys(type);
  }

  static JsonNode yaml(String text) {
    try {
      return YAML.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("expected YAML or JSON, found: " + JsonFile.problem(e), e);
    }
  }

  private static void put(ObjectNode root, String key, String text) {
    if (key.isEmpty()) {
      throw new IllegalArgumentException("expected KEY=VALUE, found =" + text);
    }
    JsonNode value;
    try {
      value = yaml(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(key + ": " + e.getMessage(), e);
    }
    String[] names = key.split("\\.", -1);
    JsonNode at = root;
    for (int i = 0; i < names.length - 1; i++) {
      at = child(at, names[i], key);
    }
    String last = names[names.length - 1];
    if (at instanceof ArrayNode array) {
      array.set(index(array, last, key), value);
    } else {
      ((ObjectNode) at).set(last, value);
    }
  }

  /** An object or list of that name; an object is made where there is none. */
  private static JsonNode child(JsonNode at, String name, String key) {
    JsonNode next =
        at instanceof ArrayNode array ? array.get(index(array, name, key)) : at.get(name);
    if (next == null && at instanceof ObjectNode object) {
      return object.putObject(name);
    }
    if (next == null || !next.isContainerNode()) {
      throw new IllegalArgumentException(
          key + ": expected an object or a list at " + name + ", found " + next);
    }
    return next;
  }

  private static int index(ArrayNode array, String name, String key) {
    if (!name.matches("\\d{1,9}") || Integer.parseInt(name) >= array.size()) {
      throw new IllegalArgumentException(
          key + ": expected a place from 0 to " + (array.size() - 1) + ", found " + name);
    }
    return Integer.parseInt(name);
  }
}
