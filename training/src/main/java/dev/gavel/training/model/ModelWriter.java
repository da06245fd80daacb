package dev.gavel.training.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.DType;
import dev.gavel.relevance.edit.ModelFiles;
import dev.gavel.relevance.model.SafetensorsWriter;
import dev.gavel.relevance.model.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes a trained model as a Hugging Face directory, adapters merged. */
public final class ModelWriter {
  private static final String WEIGHTS = "model.safetensors";
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private ModelWriter() {}

  /**
   * Writes weights, and everything else (configuration, tokenizer, manifest) as it is in {@code
   * base}.
   *
   * @param base the directory that the model was loaded from
   * @param out made if absent; another one than {@code base}
   * @param dtype of the weights on disk
   */
  public static void write(CausalLm model, Path base, Path out, DType dtype) throws IOException {
    Files.createDirectories(out);
    if (Files.isSameFile(base, out)) {
      throw new IllegalArgumentException(
          "model directory: expected another one than the base, found " + out);
    }
    ModelFiles.copyAllButWeights(base, out);
    writeConfig(base, out, dtype);
    writeWeights(model, out.resolve(WEIGHTS), dtype);
  }

  private static void writeConfig(Path base, Path out, DType dtype) throws IOException {
    ObjectNode config = (ObjectNode) MAPPER.readTree(base.resolve("config.json").toFile());
    config.remove("quantization_config"); // of a base that was stored as integers
    ModelFiles.putDtype(config, dtype);
    Files.writeString(
        out.resolve("config.json"),
        MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(config) + "\n");
  }

  private static void writeWeights(CausalLm model, Path file, DType dtype) throws IOException {
    Map<String, long[]> shapes = Weights.shapes(model.config());
    List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
    shapes.forEach((name, shape) -> tensors.add(new SafetensorsWriter.Tensor(name, dtype, shape)));
    try (SafetensorsWriter writer = new SafetensorsWriter(file, tensors, Map.of("format", "pt"))) {
      model.forEachWeight(dtype, (name, type, shape, data) -> write(writer, data));
      writer.finish();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void write(SafetensorsWriter writer, ByteBuffer data) {
    try {
      writer.write(data);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
