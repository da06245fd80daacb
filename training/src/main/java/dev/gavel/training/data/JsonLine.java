package dev.gavel.training.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;

/** The JSON object of one line. A key whose value is null counts as absent. */
record JsonLine(LineReader lines, JsonNode node) {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** The next line that is not blank, or null at the end. */
  static JsonLine next(LineReader lines) {
    for (String text = lines.next(); text != null; text = lines.next()) {
      if (!text.isBlank()) {
        return parse(lines, text);
      }
    }
    return null;
  }

  private static JsonLine parse(LineReader lines, String text) {
    try {
      JsonNode node = MAPPER.readTree(text);
      if (!node.isObject()) {
        throw lines.error("expected a JSON object, found " + kind(node));
      }
      return new JsonLine(lines, node);
    } catch (JsonProcessingException e) {
      throw lines.error("expected a JSON object, found " + e.getOriginalMessage(), e);
    }
  }

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** A string that is not blank. */
  String text(String key) {
    String value = optionalText(key);
    if (value.isBlank()) {
      throw wrong(key, "a text", has(key) ? "a blank one" : "nothing");
    }
    return value;
  }

  /** A string, or empty if absent. */
  String optionalText(String key) {
    if (!has(key)) {
      return "";
    }
    JsonNode value = node.get(key);
    if (!value.isTextual()) {
      throw wrong(key, "a text", kind(value));
    }
    return value.asText();
  }

  /** A string or an integer, as text; empty if absent. */
  String identifier(String key) {
    return has(key) && node.get(key).isIntegralNumber()
        ? node.get(key).asText()
        : optionalText(key);
  }

  /** A whole number in [min, max]; 4.0 is one. */
  int integer(String key, int min, int max) {
    double value = number(key);
    if (value != Math.rint(value) || value < min || value > max) {
      throw wrong(key, "a whole number from " + min + " to " + max, node.get(key));
    }
    return (int) value;
  }

  /** A finite number. */
  double number(String key) {
    JsonNode value = node.get(key);
    if (value == null || !value.isNumber() || !Double.isFinite(value.asDouble())) {
      throw wrong(key, "a number", value == null ? "nothing" : kind(value));
    }
    return value.asDouble();
  }

  /** A list of finite numbers. */
  List<Double> numbers(String key) {
    List<Double> out = new ArrayList<>();
    for (JsonNode value : node.get(key)) {
      out.add(value.isNumber() ? value.asDouble() : Double.NaN);
    }
    if (!node.get(key).isArray() || !out.stream().allMatch(Double::isFinite)) {
      throw wrong(key, "a list of numbers", kind(node.get(key)));
    }
    return out;
  }

  DataFormatException wrong(String key, String expected, Object found) {
    return lines.error(key + ": expected " + expected + ", found " + found);
  }

  static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> "an array";
      case MISSING -> "nothing";
      case STRING -> "the text \"" + shortened(node.asText()) + "\"";
      default -> shortened(node.toString());
    };
  }

  private static String shortened(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "…";
  }
}
