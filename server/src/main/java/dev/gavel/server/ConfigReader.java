package dev.gavel.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.gavel.relevance.UnreadableFile;
import dev.gavel.relevance.json.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Lays a file over the defaults. Unknown keys and wrong types are errors that name the key. */
final class ConfigReader {
  /** YAML, of which JSON is a part. */
  private static final ObjectMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .build();

  private ConfigReader() {}

  static ServerConfig read(Path file) {
    try {
      return parse(Files.readString(file));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          file + ": expected a readable file, found " + UnreadableFile.found(file, e), e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  static ServerConfig parse(String text) {
    ObjectNode merged = YAML.valueToTree(ServerConfig.defaults());
    JsonNode given;
    try {
      given = YAML.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("expected YAML or JSON, found: " + JsonFile.problem(e), e);
    }
    if (given != null && !given.isMissingNode() && !given.isNull()) {
      merge("", merged, given);
    }
    try {
      return YAML.treeToValue(merged, ServerConfig.class);
    } catch (JsonProcessingException e) {
      Throwable cause = e.getCause() instanceof IllegalArgumentException ? e.getCause() : e;
      throw new IllegalArgumentException(cause.getMessage(), e);
    }
  }

  private static void merge(String path, ObjectNode known, JsonNode given) {
    if (!given.isObject()) {
      throw new IllegalArgumentException(
          (path.isEmpty() ? "file" : path) + ": expected keys and values, found " + given);
    }
    for (Map.Entry<String, JsonNode> entry : given.properties()) {
      String key = path.isEmpty() ? entry.getKey() : path + "." + entry.getKey();
      JsonNode standard = known.get(entry.getKey());
      if (standard == null) {
        throw new IllegalArgumentException(
            key + ": expected one of " + names(known) + ", found an unknown key");
      }
      if (standard.isObject()) {
        merge(key, (ObjectNode) standard, entry.getValue());
      } else {
        requireKind(key, standard, entry.getValue());
        known.set(entry.getKey(), entry.getValue());
      }
    }
  }

  private static List<String> names(ObjectNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static void requireKind(String key, JsonNode standard, JsonNode given) {
    switch (standard.getNodeType()) {
      case STRING -> require(given.isTextual(), key, "a text", given);
      case BOOLEAN -> require(given.isBoolean(), key, "true or false", given);
      case ARRAY -> {
        boolean texts = given.isArray();
        for (JsonNode element : given) {
          texts &= element.isTextual();
        }
        require(texts, key, "a list of texts", given);
      }
      default -> {
        require(given.isIntegralNumber(), key, "a whole number", given);
        boolean fits = standard.isInt() ? given.canConvertToInt() : given.canConvertToLong();
        require(fits, key, "a whole number of " + (standard.isInt() ? 32 : 64) + " bits", given);
      }
    }
  }

  private static void require(boolean fits, String key, String kind, JsonNode given) {
    if (!fits) {
      throw new IllegalArgumentException(key + ": expected " + kind + ", found " + given);
    }
  }
}
