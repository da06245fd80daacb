package dev.gavel.training.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A tiny checkpoint of the native module and what Transformers says of it in fp64, made by {@code
 * tools/goldens/make.py}.
 *
 * @param tolerance how far a logit of a correct fp32 computation may lie from the true one
 * @param prompts token sequences
 * @param logits [prompts][vocabulary] true logits after the last token
 */
record Golden(Path directory, double tolerance, List<int[]> prompts, List<double[]> logits) {
  /** The native module's checkpoints; the build runs in the module's folder. */
  static final Path HOME = Path.of("../native/src/test/resources/goldens");

  static Stream<Golden> all() {
    try (Stream<Path> directories = Files.list(HOME)) {
      return directories.sorted().map(Golden::read).toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Golden named(String name) {
    return read(HOME.resolve(name));
  }

  private static Golden read(Path directory) {
    try {
      JsonNode json = new ObjectMapper().readTree(directory.resolve("golden.json").toFile());
      ByteBuffer bytes =
          ByteBuffer.wrap(Files.readAllBytes(directory.resolve("logits.f64")))
              .order(ByteOrder.LITTLE_ENDIAN);
      List<int[]> prompts = new ArrayList<>();
      List<double[]> logits = new ArrayList<>();
      for (JsonNode prompt : json.get("prompts")) {
        prompts.add(ints(prompt.get("tokens")));
        double[] row = new double[json.get("model").get("vocabulary").asInt()];
        bytes.asDoubleBuffer().get(row);
        bytes.position(bytes.position() + row.length * Double.BYTES);
        logits.add(row);
      }
      return new Golden(directory, json.get("tolerance").asDouble(), prompts, logits);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static int[] ints(JsonNode array) {
    int[] out = new int[array.size()];
    for (int i = 0; i < out.length; i++) {
      out[i] = array.get(i).asInt();
    }
    return out;
  }

  /** All prompts in one batch, each to be continued with nothing. */
  PackedBatch batch() {
    return PackedBatch.of(
        prompts.stream().map(tokens -> PackedBatch.Sequence.of(tokens, new int[0])).toList());
  }

  @Override
  public String toString() {
    return directory.getFileName().toString();
  }
}
