package dev.gavel.relevance.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.json.JsonFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What Gavel itself needs of {@code tokenizer.json}: its tokens and how they decode. Read as a
 * stream, since merges can be most of a file of many megabytes.
 */
final class TokenizerFile {
  static final String NAME = "tokenizer.json";
  private static final int ID_MAX = 1 << 24;

  /** A token that is found in text before anything else. */
  record Added(int id, String content) {}

  final Map<String, Integer> vocabulary = new HashMap<>();
  final List<Added> added = new ArrayList<>();
  JsonNode decoder;
  private JsonNode preTokenizer;
  private boolean random; // merges are dropped at random
  String unknown; // the model's unknown token, or null

  private TokenizerFile() {}

  /**
   * Parses the file's text.
   *
   * @throws ModelFormatException if it is no tokenizer
   */
  static TokenizerFile parse(String text) {
    TokenizerFile file = new TokenizerFile();
    try (JsonParser json = JsonFile.stream(text)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new ModelFormatException(NAME, "expected a JSON object, found other text");
      }
      for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
        json.nextToken();
        switch (key) {
          case "added_tokens" -> file.addTokens(json.readValueAsTree());
          case "decoder" -> file.decoder = json.readValueAsTree();
          case "pre_tokenizer" -> file.preTokenizer = json.readValueAsTree();
          case "model" -> file.readModel(json);
          default -> json.skipChildren();
        }
      }
    } catch (JsonProcessingException e) {
      throw JsonFile.malformed(NAME, e);
    } catch (IOException e) {
      throw new ModelFormatException(NAME, "expected readable text, found " + e, e);
    }
    if (file.vocabulary.isEmpty()) {
      throw new ModelFormatException(NAME, "model.vocab: expected tokens, found none");
    }
    return file;
  }

  private void addTokens(JsonNode tokens) {
    for (JsonNode token : tokens) {
      String content = token.path("content").asText();
      if (content.isEmpty()) {
        throw new ModelFormatException(
            NAME, "added_tokens: expected a content for each, found " + token);
      }
      added.add(new Added(checkId(token.path("id"), content), content));
    }
  }

  private static int checkId(JsonNode id, String content) {
    return checkId(id.isInt() ? id.asInt() : -1, content);
  }

  private static int checkId(int id, String content) {
    if (id < 0 || id > ID_MAX) {
      throw new ModelFormatException(
          NAME, "token " + content + ": expected an id from 0 to " + ID_MAX + ", found " + id);
    }
    return id;
  }

  private void readModel(JsonParser json) throws IOException {
    int unknownId = -1;
    List<String> unigram = new ArrayList<>();
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw new ModelFormatException(NAME, "model: expected an object, found " + json.getText());
    }
    for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
      JsonToken token = json.nextToken();
      if (key.equals("vocab") && token == JsonToken.START_OBJECT) {
        readVocabulary(json);
      } else if (key.equals("vocab") && token == JsonToken.START_ARRAY) {
        JsonNode pieces = json.readValueAsTree();
        pieces.forEach(piece -> unigram.add(piece.path(0).asText()));
      } else if (key.equals("unk_token") && token == JsonToken.VALUE_STRING) {
        unknown = json.getText();
      } else if (key.equals("dropout") && token != JsonToken.VALUE_NULL) {
        random = true;
      } else if (key.equals("unk_id") && token == JsonToken.VALUE_NUMBER_INT) {
        unknownId = json.getIntValue();
      } else {
        json.skipChildren();
      }
    }
    for (int id = 0; id < unigram.size(); id++) {
      vocabulary.put(unigram.get(id), id);
    }
    if (unknownId >= 0 && unknownId < unigram.size()) {
      unknown = unigram.get(unknownId);
    }
  }

  private void readVocabulary(JsonParser json) throws IOException {
    for (String piece = json.nextFieldName(); piece != null; piece = json.nextFieldName()) {
      json.nextToken();
      vocabulary.put(piece, checkId(json.getIntValue(), piece));
    }
  }

  /**
   * Whether text can be cut before a space between two words without changing its tokens: the
   * tokenizer is byte-level and splits words by a pattern, and no added token reaches over such a
   * place. Necessary, not sufficient: an unusual pattern may join words.
   */
  boolean splitsWords() {
    if (random || preTokenizer == null) {
      return false;
    }
    List<JsonNode> steps = new ArrayList<>();
    if (preTokenizer.has("pretokenizers")) {
      preTokenizer.get("pretokenizers").forEach(steps::add);
    } else {
      steps.add(preTokenizer);
    }
    boolean byteLevel = false;
    boolean pattern = false;
    for (JsonNode step : steps) {
      String type = step.path("type").asText();
      boolean isByteLevel = type.equals("ByteLevel");
      if (!isByteLevel && !type.equals("Split") && !type.equals("Digits")
          || step.path("add_prefix_space").asBoolean(isByteLevel)) {
        return false;
      }
      byteLevel |= isByteLevel;
      pattern |= isByteLevel && step.path("use_regex").asBoolean(true) || type.equals("Split");
    }
    return byteLevel
        && pattern
        && added.stream()
            .noneMatch(token -> token.content().matches("(?s)[a-zA-Z ].*|.*[a-zA-Z ]|.*\\S \\S.*"));
  }

  /** One more than the largest id. */
  int size() {
    int max = -1;
    for (int id : vocabulary.values()) {
      max = Math.max(max, id);
    }
    for (Added token : added) {
      max = Math.max(max, token.id());
    }
    return max + 1;
  }
}
