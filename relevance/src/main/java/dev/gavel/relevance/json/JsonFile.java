package dev.gavel.relevance.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.UnreadableFile;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Collectors;

/** Strict JSON parsing: duplicate keys and trailing text are errors. */
public final class JsonFile {
  /** For parts of a stream: more may follow. */
  private static final ObjectMapper PARTS =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .build();

  private static final ObjectMapper WHOLE =
      PARTS.copy().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private JsonFile() {}

  /**
   * Reads a file that holds one JSON object.
   *
   * @throws ModelFormatException if it is absent, unreadable or no such thing
   */
  public static JsonObject read(Path file) {
    return parse(file.getFileName().toString(), readText(file));
  }

  /** Reads a whole UTF-8 file, with the errors of {@link #read}. */
  public static String readText(Path file) {
    String name = file.getFileName().toString();
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      throw new ModelFormatException(
          name, "expected in " + file.toAbsolutePath().getParent() + ", found no such file");
    } catch (MalformedInputException e) {
      throw new ModelFormatException(name, "expected UTF-8 text, found other bytes", e);
    } catch (IOException e) {
      throw new ModelFormatException(
          name, "expected a readable file, found " + UnreadableFile.found(file, e), e);
    }
  }

  /** Parses a text that should be one JSON object; {@code name} is used in messages. */
  public static JsonObject parse(String name, String text) {
    JsonNode node;
    try {
      node = WHOLE.readTree(text);
    } catch (JsonProcessingException e) {
      throw malformed(name, e);
    }
    if (node == null || !node.isObject()) {
      throw new ModelFormatException(
          name, "expected a JSON object, found " + (node == null ? "nothing" : kind(node)));
    }
    return new JsonObject(name, "", node);
  }

  /** A streaming parser with the same strictness, for files too large for a tree. */
  public static JsonParser stream(String text) throws IOException {
    return PARTS.createParser(text);
  }

  /** The error for text that is not JSON. */
  public static ModelFormatException malformed(String name, JsonProcessingException e) {
    return new ModelFormatException(name, "expected JSON, found: " + problem(e), e);
  }

  /** What a parser of JSON or YAML found, in one line, and where. */
  public static String problem(JsonProcessingException e) {
    JsonLocation at = e.getLocation();
    String where =
        at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")";
    // The YAML parser quotes the text below its words, in lines that begin with a space.
    return e.getOriginalMessage()
            .lines()
            .filter(line -> !line.startsWith(" "))
            .collect(Collectors.joining(", "))
        + where;
  }

  static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case ARRAY -> "an array";
      case OBJECT -> "an object";
      case NULL -> "null";
      case MISSING -> "nothing";
      default -> {
        String text = node.toString();
        yield text.length() <= 60 ? text : text.substring(0, 60) + "...";
      }
    };
  }
}
