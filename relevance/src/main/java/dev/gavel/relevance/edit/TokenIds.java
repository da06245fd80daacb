package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.ModelFormatException;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * The token ids in {@code config.json} and {@code generation_config.json}: values of keys that end
 * in {@code _token_id} or {@code _token_ids}, one or a list.
 */
final class TokenIds {
  /** Lists of tokens that are never to be generated: those that are gone need no mention. */
  private static final List<String> SUPPRESSED =
      List.of("suppress_tokens", "begin_suppress_tokens");

  /** Keys that hold ids in other forms, which are not understood. */
  private static final List<String> UNKNOWN =
      List.of("bad_words_ids", "force_words_ids", "forced_decoder_ids", "sequence_bias");

  private TokenIds() {}

  /** Hands the ids of the named tokens to {@code action}; negative ones mean none. */
  static void forEach(ObjectNode json, IntConsumer action) {
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      if (namesTokens(entry.getKey())) {
        JsonNode value = entry.getValue();
        Iterable<JsonNode> ids = value.isArray() ? value : List.of(value);
        for (JsonNode id : ids) {
          if (id.isInt() && id.asInt() >= 0) {
            action.accept(id.asInt());
          }
        }
      }
    }
  }

  static BitSet of(ObjectNode json) {
    BitSet out = new BitSet();
    forEach(json, out::set);
    return out;
  }

  /**
   * Replaces old ids by new ones.
   *
   * @throws ModelFormatException if the file holds ids in a form that is not understood
   */
  static void replace(ObjectNode json, String file, TokenMap map) {
    for (String key : UNKNOWN) {
      if (json.hasNonNull(key)) {
        throw new ModelFormatException(
            file, key + ": expected nothing where the vocabulary changes, found " + json.get(key));
      }
    }
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      if (namesTokens(entry.getKey()) || SUPPRESSED.contains(entry.getKey())) {
        entry.setValue(replaced(entry.getValue(), map));
      }
    }
  }

  private static boolean namesTokens(String key) {
    return key.endsWith("_token_id") || key.endsWith("_token_ids");
  }

  private static JsonNode replaced(JsonNode value, TokenMap map) {
    if (value.isArray()) {
      ArrayNode out = JsonNodeFactory.instance.arrayNode();
      for (JsonNode id : value) {
        JsonNode replaced = replaced(id, map);
        if (!replaced.isNull()) {
          out.add(replaced);
        }
      }
      return out;
    }
    if (!value.isInt() || value.asInt() < 0) {
      return value;
    }
    int id = map.newId(value.asInt());
    return id < 0 ? JsonNodeFactory.instance.nullNode() : JsonNodeFactory.instance.numberNode(id);
  }
}
