package dev.gavel.training.rollout;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.TextLines;
import dev.gavel.training.data.DataFormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/**
 * Sampled responses as JSON Lines, a pair a line:
 *
 * <pre>{@code
 * {"id": "7", "grade": 4, "right": 1, "samples": [
 *   {"label": "4-Excellent", "right": true, "ended": true, "text": "...",
 *    "tokens": [5, 8, 2], "forced": [1], "log_probs": [-0.2, 0, -0.1]}]}
 * }</pre>
 *
 * <p>{@code forced} lists places in {@code tokens} that the policy did not choose. The last three
 * keys are absent where texts alone were kept.
 */
public final class SampleFile {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private final Path file;
  private final List<Label> labels;

  /**
   * @param labels names are written, indices are read
   */
  public SampleFile(Path file, List<Label> labels) {
    this.file = file;
    this.labels = List.copyOf(labels);
  }

  /**
   * Appends a pair.
   *
   * @param truth index of the right label
   */
  public void append(String id, int truth, List<Sample> samples) throws IOException {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("id", id).put("grade", labels.get(truth).grade());
    json.put("right", samples.stream().filter(each -> each.label() == truth).count());
    ArrayNode array = json.putArray("samples");
    samples.forEach(each -> write(array.addObject(), each, truth));
    Files.writeString(
        file,
        MAPPER.writeValueAsString(json) + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  private void write(ObjectNode json, Sample sample, int truth) {
    json.put("label", labels.get(sample.label()).name()).put("right", sample.label() == truth);
    json.put("ended", sample.ended()).put("text", sample.text());
    sample
        .drawn()
        .ifPresent(
            drawn -> {
              Arrays.stream(drawn.tokens()).forEach(json.putArray("tokens")::add);
              IntStream.range(0, drawn.tokens().length)
                  .filter(i -> drawn.forced()[i])
                  .forEach(json.putArray("forced")::add);
              Arrays.stream(drawn.logProbs()).forEach(json.putArray("log_probs")::add);
            });
  }

  /**
   * Reads all pairs, in their order.
   *
   * @throws DataFormatException naming the line, what was expected and what was found
   */
  public Map<String, List<Sample>> read() {
    Map<String, List<Sample>> out = new LinkedHashMap<>();
    try (TextLines lines = TextLines.open(file)) {
      for (String text = lines.next(); text != null; text = lines.next()) {
        if (!text.isBlank()) {
          read(text, lines.line(), out);
        }
      }
      return out;
    } catch (TextLines.UnreadableException e) {
      throw new DataFormatException(file, e.line(), e.getMessage(), e);
    } catch (IOException e) {
      throw new DataFormatException(file, 0, "expected to close, found " + e, e);
    }
  }

  private void read(String text, long line, Map<String, List<Sample>> into) {
    JsonNode json = parsed(text, line);
    String id = json.get("id").asText();
    List<Sample> samples = new ArrayList<>();
    for (JsonNode each : json.get("samples")) {
      samples.add(sample(each, line));
    }
    if (into.putIfAbsent(id, samples) != null) {
      throw new DataFormatException(file, line, "id: expected once, found again: " + id);
    }
  }

  private JsonNode parsed(String line, long number) {
    JsonNode json = parsedOrNull(line);
    if (json == null) {
      throw new DataFormatException(
          file, number, "expected an object with id and samples, found something else");
    }
    return json;
  }

  /** A line of this format, or null. */
  private static JsonNode parsedOrNull(String line) {
    try {
      JsonNode json = MAPPER.readTree(line);
      return json.path("id").isTextual() && json.path("samples").isArray() ? json : null;
    } catch (IOException e) {
      return null;
    }
  }

  private Sample sample(JsonNode json, long line) {
    int label = label(json.path("label").asText(), line);
    boolean ended = json.path("ended").asBoolean();
    String text = json.path("text").asText();
    if (!json.has("tokens")) {
      return Sample.ofText(label, text, ended);
    }
    int[] tokens =
        StreamSupport.stream(json.get("tokens").spliterator(), false)
            .mapToInt(JsonNode::asInt)
            .toArray();
    double[] logs =
        StreamSupport.stream(json.path("log_probs").spliterator(), false)
            .mapToDouble(JsonNode::asDouble)
            .toArray();
    boolean[] forced = new boolean[tokens.length];
    for (JsonNode at : json.path("forced")) {
      if (!at.canConvertToInt() || at.asInt() < 0 || at.asInt() >= tokens.length) {
        throw new DataFormatException(
            file, line, "forced: expected places below " + tokens.length + ", found " + at);
      }
      forced[at.asInt()] = true;
    }
    try {
      return new Sample(label, ended, text, Optional.of(new Sample.Drawn(tokens, forced, logs)));
    } catch (IllegalArgumentException e) {
      throw new DataFormatException(file, line, e.getMessage(), e);
    }
  }

  private int label(String name, long line) {
    List<String> names = labels.stream().map(Label::name).toList();
    int label = names.indexOf(name);
    if (label < 0) {
      throw new DataFormatException(
          file, line, "label: expected one of " + names + ", found " + name);
    }
    return label;
  }

  /** Drops a last line that was cut off while it was written; makes the file if absent. */
  public void repair() throws IOException {
    if (!Files.exists(file)) {
      Files.createFile(file);
      return;
    }
    byte[] bytes = Files.readAllBytes(file);
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] != '\n') {
      end--;
    }
    if (end < bytes.length) {
      String whole = new String(bytes, 0, end, StandardCharsets.UTF_8);
      Path partial = file.resolveSibling(file.getFileName() + ".partial");
      Files.writeString(partial, whole);
      Files.move(partial, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
