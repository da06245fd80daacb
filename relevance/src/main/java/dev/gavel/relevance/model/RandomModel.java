package dev.gavel.relevance.model;

import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.EngineOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Models with random weights: whole directories, or engines without any files. */
public final class RandomModel {
  private static final int BUFFER_BYTES = 16 << 20;

  private RandomModel() {}

  /**
   * Writes a Hugging Face directory: configuration, weights, a byte-level tokenizer, a chat
   * template. Weights are streamed, never held in memory.
   *
   * @param out the directory, made if absent
   * @param dtype on disk
   */
  public static void write(ModelShape shape, Path out, long seed, DType dtype) throws IOException {
    Files.createDirectories(out);
    RandomModelFiles.write(shape.config(), dtype, out);
    List<TensorSpec> specs = TensorSpec.of(shape.config());
    List<SafetensorsWriter.Tensor> tensors =
        specs.stream()
            .map(spec -> new SafetensorsWriter.Tensor(spec.name(), dtype, spec.shape()))
            .toList();
    RandomWeights weights = new RandomWeights(seed, dtype);
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    try (SafetensorsWriter writer =
        new SafetensorsWriter(out.resolve(Checkpoint.SINGLE), tensors, Map.of("format", "pt"))) {
      for (int i = 0; i < specs.size(); i++) {
        long total = specs.get(i).elements() * dtype.bytes();
        for (long done = 0; done < total; done += buffer.limit()) {
          buffer.clear().limit((int) Math.min(buffer.capacity(), total - done));
          weights.fill(specs.get(i), i, done / dtype.bytes(), buffer);
          writer.write(buffer);
        }
      }
      writer.finish();
    }
  }

  /** An engine with the weights that {@link #write} would write in bf16. */
  public static Engine engine(ModelShape shape, EngineOptions options, long seed) {
    try (EngineBuilder builder = EngineBuilder.create(shape.config(), options)) {
      fill(shape, builder, seed);
      return builder.build();
    }
  }

  /** Hands bf16 weights to a builder. */
  static void fill(ModelShape shape, EngineBuilder builder, long seed) {
    List<TensorSpec> specs = TensorSpec.of(shape.config());
    RandomWeights weights = new RandomWeights(seed, DType.BF16);
    long largest = specs.stream().mapToLong(TensorSpec::elements).max().orElseThrow();
    ByteBuffer buffer = ByteBuffer.allocateDirect(Math.toIntExact(largest * DType.BF16.bytes()));
    for (int i = 0; i < specs.size(); i++) {
      TensorSpec spec = specs.get(i);
      buffer.clear().limit((int) (spec.elements() * DType.BF16.bytes()));
      weights.fill(spec, i, 0, buffer);
      builder.tensor(spec.name(), DType.BF16, spec.shape(), buffer);
    }
  }
}
