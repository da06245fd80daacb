package dev.gavel.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Weights of a test: read from safetensors files, or random. */
record Checkpoint(ModelConfig config, Map<String, Tensor> tensors) {

  /** One tensor; {@code data} is direct, row-major, little-endian. */
  record Tensor(DType dtype, long[] shape, ByteBuffer data) {
    int elements() {
      long count = 1;
      for (long dimension : shape) {
        count *= dimension;
      }
      return Math.toIntExact(count);
    }
  }

  /**
   * Reads every safetensors file of a directory. For files we wrote ourselves: nothing is checked.
   */
  static Checkpoint read(ModelConfig config, Path directory) throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.safetensors")) {
      for (Path file : files) {
        readFile(file, tensors);
      }
    }
    return new Checkpoint(config, tensors);
  }

  private static void readFile(Path file, Map<String, Tensor> into) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(Math.toIntExact(Files.size(file)));
    try (FileChannel channel = FileChannel.open(file)) {
      while (bytes.hasRemaining() && channel.read(bytes) >= 0) {}
    }
    bytes.flip().order(ByteOrder.LITTLE_ENDIAN);
    int headerBytes = Math.toIntExact(bytes.getLong(0));
    byte[] header = new byte[headerBytes];
    bytes.get(8, header);
    for (Map.Entry<String, JsonNode> entry : new ObjectMapper().readTree(header).properties()) {
      JsonNode node = entry.getValue();
      if (node.has("data_offsets")) {
        int start = 8 + headerBytes;
        int from = start + node.get("data_offsets").get(0).asInt();
        int to = start + node.get("data_offsets").get(1).asInt();
        into.put(
            entry.getKey(),
            new Tensor(
                DType.valueOf(node.get("dtype").asText()),
                longs(node.get("shape")),
                bytes.slice(from, to - from).order(ByteOrder.LITTLE_ENDIAN)));
      }
    }
  }

  private static long[] longs(JsonNode array) {
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).asLong();
    }
    return values;
  }

  /**
   * Random fp32 weights under which activations keep their size: matrices are uniform with variance
   * 1 / columns (the embedding 4 / hidden), norms lie around 1.
   */
  static Checkpoint random(ModelConfig config, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    shapes(config)
        .forEach(
            (name, shape) -> {
              boolean norm = name.contains("norm");
              double deviation =
                  norm || shape.length == 1
                      ? 0.3
                      : (name.contains("layers") ? 1 : 2) / Math.sqrt(shape[shape.length - 1]);
              int elements = shape.length == 1 ? (int) shape[0] : (int) (shape[0] * shape[1]);
              ByteBuffer data =
                  ByteBuffer.allocateDirect(4 * elements).order(ByteOrder.LITTLE_ENDIAN);
              for (int i = 0; i < elements; i++) {
                double unit = (2 * random.nextDouble() - 1) * Math.sqrt(3);
                data.putFloat(4 * i, (float) ((norm ? 1 : 0) + deviation * unit));
              }
              tensors.put(name, new Tensor(DType.F32, shape, data));
            });
    return new Checkpoint(config, tensors);
  }

  /**
   * Multiplies what writes to some channels of the residual stream by a factor, and divides the
   * norms behind it by the same.
   */
  Checkpoint withLoudChannels(float factor, int... channels) {
    tensors.forEach(
        (name, tensor) -> {
          boolean norm = name.endsWith("layernorm.weight") || name.equals("model.norm.weight");
          boolean writer = name.contains("o_proj") || name.contains("down_proj");
          for (int channel : channels) {
            if (norm) {
              scale(tensor, channel, 1, 1, 1 / factor);
            } else if (writer) {
              int width = (int) tensor.shape[1];
              scale(tensor, channel * width, 1, width, factor);
            } else if (name.contains("embed_tokens")) {
              int width = (int) tensor.shape[1];
              scale(tensor, channel, width, (int) tensor.shape[0], factor);
            }
          }
        });
    return this;
  }

  private static void scale(Tensor tensor, int begin, int step, int count, float factor) {
    for (int i = 0; i < count; i++) {
      int at = 4 * (begin + i * step);
      tensor.data.putFloat(at, tensor.data.getFloat(at) * factor);
    }
  }

  /** Name and shape of every tensor that a model of this configuration has. */
  static Map<String, long[]> shapes(ModelConfig c) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new long[] {c.vocabulary(), c.hidden()});
    shapes.put("model.norm.weight", new long[] {c.hidden()});
    if (!c.tiedEmbeddings()) {
      shapes.put("lm_head.weight", new long[] {c.vocabulary(), c.hidden()});
    }
    for (int layer = 0; layer < c.layers(); layer++) {
      layerShapes(c, layer, "model.layers." + layer + ".", shapes);
    }
    return shapes;
  }

  private static void layerShapes(
      ModelConfig c, int layer, String prefix, Map<String, long[]> shapes) {
    shapes.put(prefix + "input_layernorm.weight", new long[] {c.hidden()});
    shapes.put(prefix + "post_attention_layernorm.weight", new long[] {c.hidden()});
    String attention = prefix + "self_attn.";
    for (String part : new String[] {"q", "k", "v"}) {
      long rows = (long) (part.equals("q") ? c.heads() : c.kvHeads()) * c.headDim();
      shapes.put(attention + part + "_proj.weight", new long[] {rows, c.hidden()});
      if (c.qkvBias()) {
        shapes.put(attention + part + "_proj.bias", new long[] {rows});
      }
    }
    shapes.put(
        attention + "o_proj.weight", new long[] {c.hidden(), (long) c.heads() * c.headDim()});
    if (c.qkNorm()) {
      shapes.put(attention + "q_norm.weight", new long[] {c.headDim()});
      shapes.put(attention + "k_norm.weight", new long[] {c.headDim()});
    }
    if (c.isSparse(layer)) {
      shapes.put(prefix + "mlp.gate.weight", new long[] {c.experts(), c.hidden()});
      for (int expert = 0; expert < c.experts(); expert++) {
        feedForward(prefix + "mlp.experts." + expert + ".", c, c.expertIntermediate(), shapes);
      }
    } else {
      feedForward(prefix + "mlp.", c, c.intermediate(), shapes);
    }
  }

  private static void feedForward(
      String prefix, ModelConfig c, int width, Map<String, long[]> shapes) {
    shapes.put(prefix + "gate_proj.weight", new long[] {width, c.hidden()});
    shapes.put(prefix + "up_proj.weight", new long[] {width, c.hidden()});
    shapes.put(prefix + "down_proj.weight", new long[] {c.hidden(), width});
  }

  /** Builds an engine from these weights. */
  Engine engine(EngineOptions options) {
    try (EngineBuilder builder = EngineBuilder.create(config, options)) {
      tensors.forEach(
          (name, tensor) ->
              builder.tensor(name, tensor.dtype(), tensor.shape(), tensor.data().duplicate()));
      return builder.build();
    }
  }
}
