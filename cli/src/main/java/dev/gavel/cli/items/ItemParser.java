package dev.gavel.cli.items;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.v1.Attribute;
import dev.gavel.v1.Item;
import java.util.Set;
import java.util.TreeSet;

/**
 * One JSON object as an item: {@code {"text"}} or {@code {"title", "description", "attributes",
 * "id"}}. Attributes are an object of name and value or a list of {@code {"name", "value"}}. Fields
 * of other names are left out and remembered.
 */
public final class ItemParser {
  private static final Set<String> KNOWN =
      Set.of("id", "text", "title", "description", "attributes");

  private final JsonMapper mapper =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private final Set<String> unknownFields = new TreeSet<>();

  /** Names of the fields that were left out so far. */
  public Set<String> unknownFields() {
    return unknownFields;
  }

  /**
   * Reads one object.
   *
   * @throws IllegalArgumentException naming what was expected and found
   */
  public Item parse(String json) {
    JsonNode node;
    try {
      node = mapper.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "expected a JSON object, found: " + e.getOriginalMessage() + column(e));
    }
    return parse(node);
  }

  private static String column(JsonProcessingException e) {
    return e.getLocation() == null ? "" : " (column " + e.getLocation().getColumnNr() + ")";
  }

  /** The same from a tree. */
  public Item parse(JsonNode node) {
    if (!node.isObject()) {
      throw new IllegalArgumentException("expected a JSON object, found " + kind(node));
    }
    node.fieldNames()
        .forEachRemaining(
            name -> {
              if (!KNOWN.contains(name)) {
                unknownFields.add(name);
              }
            });
    boolean whole = node.hasNonNull("text");
    boolean titled = node.hasNonNull("title");
    if (whole && (titled || node.hasNonNull("description") || node.hasNonNull("attributes"))) {
      throw new IllegalArgumentException(
          "expected either \"text\" or \"title\" with its company, found both");
    }
    if (!whole && !titled) {
      throw new IllegalArgumentException("expected \"text\" or \"title\", found neither");
    }
    Item.Builder item =
        Item.newBuilder()
            .setId(string(node, "id"))
            .setText(string(node, "text"))
            .setTitle(string(node, "title"))
            .setDescription(string(node, "description"));
    addAttributes(node.path("attributes"), item);
    return item.build();
  }

  private static void addAttributes(JsonNode attributes, Item.Builder item) {
    if (attributes.isObject()) {
      attributes
          .fieldNames()
          .forEachRemaining(name -> item.addAttributes(attribute(name, string(attributes, name))));
    } else if (attributes.isArray()) {
      for (JsonNode attribute : attributes) {
        if (!attribute.hasNonNull("name") || !attribute.hasNonNull("value")) {
          throw new IllegalArgumentException(
              "attributes: expected objects with \"name\" and \"value\", found " + attribute);
        }
        item.addAttributes(attribute(string(attribute, "name"), string(attribute, "value")));
      }
    } else if (!attributes.isMissingNode() && !attributes.isNull()) {
      throw new IllegalArgumentException(
          "attributes: expected an object or a list, found " + kind(attributes));
    }
  }

  private static Attribute attribute(String name, String value) {
    return Attribute.newBuilder().setName(name).setValue(value).build();
  }

  /** A text; numbers and booleans as they are written, absent and null as empty. */
  private static String string(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return "";
    }
    if (!value.isValueNode()) {
      throw new IllegalArgumentException(field + ": expected a text, found " + kind(value));
    }
    return value.asText();
  }

  private static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case ARRAY -> "a list";
      case OBJECT -> "an object";
      case STRING -> "a text";
      case NUMBER -> "a number";
      case BOOLEAN -> "a boolean";
      case NULL -> "null";
      default -> "nothing";
    };
  }
}
