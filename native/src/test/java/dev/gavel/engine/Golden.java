package dev.gavel.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;

/**
 * A tiny checkpoint and what Transformers says of it, made by {@code tools/goldens/make.py}.
 *
 * @param tolerance how far a logit of a correct fp32 engine may lie from the true one; the script
 *     derives it
 */
record Golden(
    String name,
    Checkpoint checkpoint,
    double tolerance,
    List<Prompt> prompts,
    List<LabelSet> labelSets) {

  /**
   * One prompt.
   *
   * @param logits [vocabulary] true logits after its last token
   * @param greedy how it goes on
   */
  record Prompt(int[] tokens, double[] logits, int[] greedy) {}

  /**
   * Labels by their surface forms, and their true log-probabilities.
   *
   * @param logProbabilities [prompts][labels] normalized over the labels
   * @param logMass [prompts] log of the full-vocabulary mass on the labels
   */
  record LabelSet(
      String name, List<List<int[]>> forms, double[][] logProbabilities, double[] logMass) {
    int longestForm() {
      return forms.stream().flatMap(List::stream).mapToInt(form -> form.length).max().orElseThrow();
    }
  }

  ModelConfig config() {
    return checkpoint.config();
  }

  Engine engine(EngineOptions options) {
    return checkpoint.engine(options);
  }

  @Override
  public String toString() {
    return name;
  }

  /** All cases. */
  static Stream<Golden> all() {
    try (Stream<Path> directories = Files.list(home())) {
      return directories.sorted().map(Golden::read).toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Golden named(String name) {
    return read(home().resolve(name));
  }

  private static Path home() {
    try {
      return Path.of(Golden.class.getResource("/goldens").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Golden read(Path directory) {
    try {
      JsonNode golden = new ObjectMapper().readTree(directory.resolve("golden.json").toFile());
      ModelConfig config = config(golden.get("model"));
      ByteBuffer logits =
          ByteBuffer.wrap(Files.readAllBytes(directory.resolve("logits.f64")))
              .order(ByteOrder.LITTLE_ENDIAN);
      List<Prompt> prompts = new ArrayList<>();
      for (JsonNode prompt : golden.get("prompts")) {
        double[] row = new double[config.vocabulary()];
        for (int i = 0; i < row.length; i++) {
          row[i] = logits.getDouble();
        }
        prompts.add(new Prompt(ints(prompt.get("tokens")), row, ints(prompt.get("greedy"))));
      }
      List<LabelSet> labelSets = new ArrayList<>();
      golden.get("labelSets").forEach(node -> labelSets.add(labelSet(node)));
      return new Golden(
          directory.getFileName().toString(),
          Checkpoint.read(config, directory),
          golden.get("tolerance").asDouble(),
          prompts,
          labelSets);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static LabelSet labelSet(JsonNode node) {
    List<List<int[]>> forms = new ArrayList<>();
    for (JsonNode label : node.get("forms")) {
      List<int[]> own = new ArrayList<>();
      label.forEach(form -> own.add(ints(form)));
      forms.add(own);
    }
    JsonNode rows = node.get("logProbabilities");
    double[][] logProbabilities = new double[rows.size()][];
    for (int i = 0; i < logProbabilities.length; i++) {
      logProbabilities[i] = doubles(rows.get(i));
    }
    return new LabelSet(
        node.get("name").asText(), forms, logProbabilities, doubles(node.get("logMass")));
  }

  private static ModelConfig config(JsonNode node) {
    JsonNode rope = node.get("ropeScaling");
    BitSet denseLayers = new BitSet();
    node.get("denseLayers").forEach(layer -> denseLayers.set(layer.asInt()));
    return new ModelConfig(
        node.get("architecture").asText(),
        node.get("vocabulary").asInt(),
        node.get("hidden").asInt(),
        node.get("layers").asInt(),
        node.get("heads").asInt(),
        node.get("kvHeads").asInt(),
        node.get("headDim").asInt(),
        node.get("intermediate").asInt(),
        node.get("maxPositions").asInt(),
        node.get("ropeTheta").asDouble(),
        new RopeScaling(
            RopeScaling.Kind.valueOf(rope.get("kind").asText()),
            rope.get("factor").asDouble(),
            rope.get("lowFrequencyFactor").asDouble(),
            rope.get("highFrequencyFactor").asDouble(),
            rope.get("originalPositions").asInt()),
        node.get("rmsEpsilon").asDouble(),
        node.get("qkvBias").asBoolean(),
        node.get("qkNorm").asBoolean(),
        node.get("tiedEmbeddings").asBoolean(),
        node.get("experts").asInt(),
        node.get("expertsPerToken").asInt(),
        node.get("expertIntermediate").asInt(),
        node.get("normalizeExperts").asBoolean(),
        denseLayers);
  }

  private static int[] ints(JsonNode array) {
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asInt();
    }
    return values;
  }

  private static double[] doubles(JsonNode array) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asDouble();
    }
    return values;
  }
}
