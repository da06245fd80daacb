package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.json.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The added tokens that a model directory makes use of. In use are those that {@code
 * tokenizer_config.json} or {@code special_tokens_map.json} name as {@code bos_token} and the like,
 * those whose ids {@code config.json} and {@code generation_config.json} name, and those that a
 * chat template or the manifest spells.
 */
final class SpecialTokens {
  private static final String SPECIAL_MAP = "special_tokens_map.json";
  private static final List<String> TEXTS = List.of("chat_template.jinja", "gavel.json");
  private static final List<String> LISTS =
      List.of("additional_special_tokens", "extra_special_tokens");

  private SpecialTokens() {}

  /**
   * Ids of the added tokens in use.
   *
   * @param added contents by id
   */
  static BitSet inUse(Path directory, Map<Integer, String> added) {
    Set<String> named = new TreeSet<>();
    StringBuilder texts = new StringBuilder();
    for (String file : List.of(ModelFiles.TOKENIZER_CONFIG, SPECIAL_MAP)) {
      if (Files.exists(directory.resolve(file))) {
        ObjectNode json = ModelFiles.read(directory, file);
        json.properties().forEach(entry -> addNamed(entry, named));
        collectTexts(json.path("chat_template"), texts);
      }
    }
    for (String file : TEXTS) {
      if (Files.exists(directory.resolve(file))) {
        texts.append(JsonFile.readText(directory.resolve(file))).append('\n');
      }
    }
    BitSet out = new BitSet();
    added.forEach(
        (id, content) -> out.set(id, named.contains(content) || texts.indexOf(content) >= 0));
    for (String file : List.of(ModelFiles.CONFIG, ModelFiles.GENERATION)) {
      if (Files.exists(directory.resolve(file))) {
        out.or(TokenIds.of(ModelFiles.read(directory, file)));
      }
    }
    return out;
  }

  private static void addNamed(Map.Entry<String, JsonNode> entry, Set<String> named) {
    if (entry.getKey().endsWith("_token")) {
      named.add(content(entry.getValue()));
    }
  }

  /** A token is a text, or an object with its content. */
  private static String content(JsonNode token) {
    return token.isObject() ? token.path("content").asText() : token.asText();
  }

  private static void collectTexts(JsonNode node, StringBuilder texts) {
    if (node.isTextual()) {
      texts.append(node.asText()).append('\n');
    }
    node.forEach(element -> collectTexts(element, texts));
  }

  /** Rewrites the ids and drops the mention of dropped tokens in the files of {@code directory}. */
  static void rewrite(Path directory, Map<Integer, String> added, TokenMap map) throws IOException {
    Set<String> dropped = new TreeSet<>();
    added.forEach(
        (id, content) -> {
          if (!map.keeps(id)) {
            dropped.add(content);
          }
        });
    for (String file : List.of(ModelFiles.TOKENIZER_CONFIG, SPECIAL_MAP)) {
      if (Files.exists(directory.resolve(file))) {
        ObjectNode json = ModelFiles.read(directory, file);
        renumber(json, map);
        LISTS.forEach(key -> dropMentions(json.path(key), dropped));
        ModelFiles.write(directory, file, json);
      }
    }
  }

  private static void renumber(ObjectNode json, TokenMap map) {
    if (json.path("added_tokens_decoder") instanceof ObjectNode old) {
      ObjectNode decoder = json.putObject("added_tokens_decoder");
      old.properties()
          .forEach(
              entry -> {
                int id = map.newId(Integer.parseInt(entry.getKey()));
                if (id >= 0) {
                  decoder.set(Integer.toString(id), entry.getValue());
                }
              });
    }
  }

  private static void dropMentions(JsonNode list, Set<String> dropped) {
    if (list instanceof ArrayNode array) {
      for (int i = array.size() - 1; i >= 0; i--) {
        if (dropped.contains(content(array.get(i)))) {
          array.remove(i);
        }
      }
    } else if (list instanceof ObjectNode object) {
      List<String> keys = new ArrayList<>();
      object.fieldNames().forEachRemaining(keys::add);
      keys.removeIf(key -> !dropped.contains(content(object.get(key))));
      object.remove(keys);
    }
  }
}
