package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.tokenizer.ByteAlphabet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A {@code tokenizer.json} with byte-level byte-pair encoding (GPT-2's, SmolLM2's, Qwen's), as a
 * tree that can be trimmed.
 *
 * <p>Why trimming keeps the tokens of a text whose tokens are all kept: merges never cross the
 * border between two final tokens, so a token arises in a text exactly as it arises from its own
 * bytes. With every token on that path kept, each merge of the text's old run is still there and,
 * as merges keep their order, is still the first that applies.
 */
final class BytePairFile {
  static final String NAME = "tokenizer.json";

  private record Pair(String left, String right) {
    String joined() {
      return left + right;
    }
  }

  private final ObjectNode json;
  private final Map<String, Integer> vocabulary = new LinkedHashMap<>();
  private final Map<Integer, String> pieces = new HashMap<>();
  private final Map<Integer, String> added = new TreeMap<>();
  private final Map<Pair, Integer> ranks = new HashMap<>();

  private BytePairFile(ObjectNode json) {
    this.json = json;
    checkKind();
    json.path("model").path("vocab").properties().forEach(this::addPiece);
    json.path("added_tokens")
        .forEach(token -> added.put(token.path("id").asInt(-1), token.path("content").asText()));
    json.path("model")
        .path("merges")
        .forEach(merge -> ranks.putIfAbsent(pair(merge), ranks.size()));
  }

  /**
   * Reads {@code directory/tokenizer.json}.
   *
   * @throws ModelFormatException if it is of another kind
   */
  static BytePairFile read(Path directory) {
    return new BytePairFile(ModelFiles.read(directory, NAME));
  }

  private void checkKind() {
    JsonNode model = json.path("model");
    boolean byteLevel = json.path("decoder").toString().contains("\"ByteLevel\"");
    if (!model.path("type").asText("BPE").equals("BPE") || !byteLevel) {
      throw new ModelFormatException(
          NAME,
          "expected byte-level BPE to trim the vocabulary of, found model "
              + model.path("type")
              + " and decoder "
              + json.path("decoder").path("type"));
    }
    for (String key : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      if (!model.path(key).asText("").isEmpty() && !model.path(key).isNull()) {
        throw new ModelFormatException(
            NAME, "model." + key + ": expected nothing, found " + model.path(key));
      }
    }
  }

  private void addPiece(Map.Entry<String, JsonNode> entry) {
    vocabulary.put(entry.getKey(), entry.getValue().asInt());
    pieces.put(entry.getValue().asInt(), entry.getKey());
  }

  /** A merge is written as {@code "a b"}, or as {@code ["a", "b"]}. */
  private static Pair pair(JsonNode merge) {
    if (merge.isArray() && merge.size() == 2) {
      return new Pair(merge.get(0).asText(), merge.get(1).asText());
    }
    String text = merge.asText();
    int space = text.indexOf(' ');
    if (space <= 0 || space != text.lastIndexOf(' ')) {
      throw new ModelFormatException(
          NAME, "model.merges: expected two pieces each, found " + merge);
    }
    return new Pair(text.substring(0, space), text.substring(space + 1));
  }

  /** Added tokens by id. */
  Map<Integer, String> added() {
    return added;
  }

  /** The tokens of single bytes, and those that the file itself names. */
  BitSet basics() {
    BitSet out = new BitSet();
    for (int value = 0; value < 256; value++) {
      addIfKnown(String.valueOf(ByteAlphabet.character(value)), out);
    }
    addIfKnown(json.path("model").path("unk_token").asText(), out);
    if (json.path("padding").isObject()) {
      out.set(json.path("padding").path("pad_id").asInt());
    }
    PostProcessorIds.forEach(json.path("post_processor"), id -> out.set(id.asInt()));
    return out;
  }

  private void addIfKnown(String piece, BitSet out) {
    Integer id = vocabulary.get(piece);
    if (id != null) {
      out.set(id);
    }
  }

  /** The token and every token from which it is merged, as ids. */
  BitSet path(int id) {
    BitSet out = new BitSet();
    out.set(id);
    String piece = pieces.get(id);
    if (piece != null && !added.containsKey(id)) {
      derive(piece).forEach(part -> addIfKnown(part, out));
    }
    return out;
  }

  /** Byte-pair encoding of a piece's bytes: all pieces that occur on the way. */
  private Set<String> derive(String piece) {
    List<String> parts = new ArrayList<>(List.of(piece.split("")));
    Set<String> seen = new LinkedHashSet<>(parts);
    while (true) {
      int best = -1;
      int bestRank = Integer.MAX_VALUE;
      for (int i = 0; i + 1 < parts.size(); i++) {
        int rank = ranks.getOrDefault(new Pair(parts.get(i), parts.get(i + 1)), Integer.MAX_VALUE);
        if (rank < bestRank) {
          best = i;
          bestRank = rank;
        }
      }
      if (best < 0) {
        return seen;
      }
      parts.set(best, parts.get(best) + parts.remove(best + 1));
      seen.add(parts.get(best));
    }
  }

  /** The file with the kept tokens only, under their new ids. */
  ObjectNode trimmed(TokenMap map) {
    ObjectNode out = json.deepCopy();
    ObjectNode model = (ObjectNode) out.get("model");
    Set<String> kept = new LinkedHashSet<>();
    ObjectNode vocab = model.putObject("vocab");
    for (int id : map.oldIds()) {
      if (pieces.containsKey(id)) {
        kept.add(pieces.get(id));
        vocab.put(pieces.get(id), map.newId(id));
      }
    }
    ArrayNode merges = model.putArray("merges");
    for (JsonNode merge : json.path("model").path("merges")) {
      Pair pair = pair(merge);
      if (kept.contains(pair.left())
          && kept.contains(pair.right())
          && kept.contains(pair.joined())) {
        merges.add(merge);
      }
    }
    ArrayNode tokens = out.putArray("added_tokens");
    for (JsonNode token : json.path("added_tokens")) {
      int id = map.newId(token.path("id").asInt());
      if (id >= 0) {
        tokens.add(((ObjectNode) token.deepCopy()).put("id", id));
      }
    }
    if (out.path("padding").isObject()) {
      ObjectNode padding = (ObjectNode) out.get("padding");
      padding.put("pad_id", map.newId(padding.path("pad_id").asInt()));
    }
    PostProcessorIds.replaceAll(
        out.path("post_processor"), id -> IntNode.valueOf(map.newId(id.asInt())));
    return out;
  }
}
