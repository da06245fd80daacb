package dev.gavel.relevance.edit;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.DType;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.model.Checkpoint;
import dev.gavel.relevance.model.Floats;
import dev.gavel.relevance.model.Manifest;
import dev.gavel.relevance.model.ModelDirectory;
import dev.gavel.relevance.model.SafetensorsWriter;
import dev.gavel.relevance.model.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writes a model as one file of floats: other element types, shards joined, experts one by one,
 * quantized matrices as floats; and sets its manifest.
 */
public final class ModelExporter {
  private static final int BUFFER_BYTES = 1 << 20;

  private ModelExporter() {}

  /**
   * @param base a model directory; only read
   * @param out made if absent, empty otherwise
   * @return bytes of all files of {@code out}
   * @throws ModelFormatException if {@code base} or the manifest is not as expected, or a weight
   *     becomes infinite in the type asked for
   */
  public static long export(Path base, Path out, ExportSpec spec) throws IOException {
    Weights weights = Weights.open(base);
    ObjectNode config = ModelFiles.read(base, ModelFiles.CONFIG);
    ModelFiles.requireManifest(spec.manifest());
    ModelFiles.prepare(out);
    ModelFiles.copyAllButWeights(base, out);
    writeManifest(out, spec);
    config.remove(QuantizationConfig.KEY);
    if (spec.dtype() != null) {
      ModelFiles.putDtype(config, spec.dtype());
    }
    ModelFiles.write(out, ModelFiles.CONFIG, config);
    writeWeights(weights, out.resolve(Checkpoint.SINGLE), spec.dtype());
    ModelDirectory.open(out).close();
    return ModelFiles.bytes(out);
  }

  private static void writeManifest(Path out, ExportSpec spec) throws IOException {
    Path file = out.resolve(Manifest.FILE);
    if (spec.manifest() != null) {
      Files.copy(spec.manifest(), file, StandardCopyOption.REPLACE_EXISTING);
    }
    if (spec.name() == null && spec.version() == null) {
      return;
    }
    ObjectNode manifest =
        Files.exists(file)
            ? ModelFiles.read(out, Manifest.FILE)
            : JsonNodeFactory.instance.objectNode();
    if (spec.name() != null) {
      manifest.put("name", spec.name());
    }
    if (spec.version() != null) {
      manifest.put("version", spec.version());
    }
    ModelFiles.write(out, Manifest.FILE, manifest);
  }

  private static void writeWeights(Weights weights, Path file, DType dtype) throws IOException {
    Map<String, DType> stored = weights.dtypesByName();
    List<SafetensorsWriter.Tensor> planned = new ArrayList<>();
    weights
        .tensors()
        .forEach(
            (name, shape) ->
                planned.add(
                    new SafetensorsWriter.Tensor(
                        name, dtype == null ? stored.get(name) : dtype, shape)));
    try (SafetensorsWriter writer = new SafetensorsWriter(file, planned, Map.of("format", "pt"))) {
      weights.forEach(
          (name, from, shape, data) -> {
            try {
              if (dtype == null || dtype == from) {
                writer.write(data);
              } else {
                convert(name, data, from, dtype, writer);
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      writer.finish();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void convert(
      String name, ByteBuffer data, DType from, DType to, SafetensorsWriter writer)
      throws IOException {
    ByteBuffer out = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int count = data.remaining() / from.bytes();
    ByteBuffer source = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      float value = Floats.get(source, from, i);
      Floats.put(out, to, value);
      if (Float.isFinite(value)
          && !Float.isFinite(Floats.get(out, to, out.position() / to.bytes() - 1))) {
        throw new ModelFormatException(
            name, "expected weights that " + to + " can hold, found " + value);
      }
      if (!out.hasRemaining()) {
        writer.write(out.flip());
        out.clear();
      }
    }
    writer.write(out.flip());
  }
}
