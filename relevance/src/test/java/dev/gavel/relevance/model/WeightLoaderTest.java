package dev.gavel.relevance.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.engine.ModelConfig;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.TestModels;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightLoaderTest {
  @TempDir Path directory;

  private static RecordingBuilder load(Path directory, ModelConfig config) {
    RecordingBuilder builder = new RecordingBuilder();
    new WeightLoader(Checkpoint.open(directory), config).load(builder);
    return builder;
  }

  private static void assertSame(RecordingBuilder expected, RecordingBuilder found) {
    assertEquals(expected.tensors.keySet(), found.tensors.keySet());
    expected.tensors.forEach(
        (name, tensor) -> {
          assertEquals(tensor.dtype(), found.tensors.get(name).dtype(), name);
          assertArrayEquals(tensor.shape(), found.tensors.get(name).shape(), name);
          assertEquals(tensor.data(), found.tensors.get(name).data(), name);
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-llama", "tiny-qwen2", "tiny-qwen3", "qwen3-moe-tiny"})
  void filesAndEnginesGetTheSameWeights(String shape) {
    TestModels.random(directory, shape);
    ModelConfig config = ConfigReader.read(directory);
    assertEquals(ModelShape.of(shape).config(), config);
    RecordingBuilder direct = new RecordingBuilder();
    RandomModel.fill(ModelShape.of(shape), direct, 7);
    assertSame(direct, load(directory, config));
    assertEquals(config.tiedEmbeddings(), !direct.tensors.containsKey("lm_head.weight"));
    assertEquals(
        config.qkvBias(), direct.tensors.containsKey("model.layers.1.self_attn.v_proj.bias"));
    assertEquals(
        config.qkNorm(), direct.tensors.containsKey("model.layers.0.self_attn.q_norm.weight"));
  }

  /** Writes tensors with given shapes; element i of tensor t is 1000 t + i. */
  private void write(Path file, Map<String, long[]> tensors) throws IOException {
    List<SafetensorsWriter.Tensor> list = new ArrayList<>();
    tensors.forEach(
        (name, shape) -> list.add(new SafetensorsWriter.Tensor(name, DType.F32, shape)));
    try (SafetensorsWriter writer = new SafetensorsWriter(file, list, Map.of())) {
      for (int t = 0; t < list.size(); t++) {
        ByteBuffer data =
            ByteBuffer.allocate((int) list.get(t).bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; data.hasRemaining(); i++) {
          data.putFloat(1000f * t + i);
        }
        writer.write(data.flip());
      }
      writer.finish();
    }
  }

  private static Map<String, long[]> shapes(ModelConfig config) {
    Map<String, long[]> out = new LinkedHashMap<>();
    TensorSpec.of(config).forEach(spec -> out.put(spec.name(), spec.shape()));
    return out;
  }

  @Test
  void fusedExpertsAreSliced() throws IOException {
    ModelConfig config = ModelShape.of("qwen3-moe-tiny").config();
    int inner = config.expertIntermediate();
    int hidden = config.hidden();
    Map<String, long[]> tensors = shapes(config);
    tensors.keySet().removeIf(name -> name.startsWith("model.layers.2.mlp.experts."));
    tensors.put(
        "model.layers.2.mlp.experts.gate_up_proj",
        new long[] {config.experts(), 2L * inner, hidden});
    tensors.put(
        "model.layers.2.mlp.experts.down_proj", new long[] {config.experts(), hidden, inner});
    write(directory.resolve("model.safetensors"), tensors);
    RecordingBuilder builder = load(directory, config);
    assertEquals(shapes(config).keySet(), java.util.Set.copyOf(builder.tensors.keySet()));
    int fused = List.copyOf(tensors.keySet()).indexOf("model.layers.2.mlp.experts.gate_up_proj");
    for (int expert = 0; expert < config.experts(); expert++) {
      String prefix = "model.layers.2.mlp.experts." + expert + ".";
      float start = 1000f * fused + expert * 2f * inner * hidden;
      assertEquals(start, first(builder, prefix + "gate_proj.weight"));
      assertEquals(start + inner * hidden, first(builder, prefix + "up_proj.weight"));
      assertEquals(
          1000f * (fused + 1) + expert * inner * hidden,
          first(builder, prefix + "down_proj.weight"));
      assertArrayEquals(
          new long[] {hidden, inner}, builder.tensors.get(prefix + "down_proj.weight").shape());
    }
  }

  private static float first(RecordingBuilder builder, String name) {
    return builder.tensors.get(name).data().order(ByteOrder.LITTLE_ENDIAN).getFloat(0);
  }

  @Test
  void shardsAreJoinedAndExtrasIgnored() throws IOException {
    ModelConfig config = ModelShape.of("tiny").config();
    Map<String, long[]> all = shapes(config);
    all.put("model.layers.0.self_attn.rotary_emb.inv_freq", new long[] {8});
    all.put("lm_head.weight", new long[] {512, 64});
    List<String> names = List.copyOf(all.keySet());
    StringBuilder map = new StringBuilder();
    for (int shard = 0; shard < 3; shard++) {
      Map<String, long[]> part = new LinkedHashMap<>();
      int number = shard;
      IntStream.range(0, names.size())
          .filter(i -> i % 3 == number)
          .forEach(i -> part.put(names.get(i), all.get(names.get(i))));
      String file = "model-0000" + shard + "-of-00003.safetensors";
      write(directory.resolve(file), part);
      part.keySet().forEach(name -> map.append(",\n\"" + name + "\": \"" + file + "\""));
    }
    String index = "{\"metadata\": {}, \"weight_map\": {" + map.substring(1) + "}}";
    TestModels.put(directory, Checkpoint.INDEX, index);
    assertEquals(
        shapes(config).keySet(), java.util.Set.copyOf(load(directory, config).tensors.keySet()));

    TestModels.put(directory, Checkpoint.INDEX, index.replace("model-00001", "model-00007"));
    assertMessage(config, "model-00007-of-00003.safetensors: expected in");
    TestModels.put(directory, Checkpoint.INDEX, index.replace("model-00001", "../model-00001"));
    assertMessage(config, "expected the name of a file in the directory, found ../model-00001");
    TestModels.put(directory, Checkpoint.INDEX, index.replaceFirst("model-00001", "model-00000"));
    assertMessage(config, "expected as in model.safetensors.index.json, found nothing");
    TestModels.put(directory, Checkpoint.INDEX, "{\"weight_map\": [}");
    assertMessage(config, "model.safetensors.index.json: expected JSON");
    Files.delete(directory.resolve(Checkpoint.INDEX));
    assertMessage(config, "model.safetensors: expected it or model.safetensors.index.json");
  }

  private void assertMessage(ModelConfig config, String part) {
    ModelFormatException error =
        assertThrows(ModelFormatException.class, () -> load(directory, config));
    assertTrue(error.getMessage().contains(part), error.getMessage());
  }

  @Test
  void missingAndMisshapenTensorsAreNamed() throws IOException {
    ModelConfig config = ModelShape.of("tiny-qwen2").config();
    String name = "model.layers.1.self_attn.k_proj.weight";
    Map<String, long[]> tensors = shapes(config);
    tensors.remove(name);
    write(directory.resolve("model.safetensors"), tensors);
    assertMessage(
        config,
        "model.safetensors: tensor "
            + name
            + ": expected shape [32, 64] (config.json), found no such");
    tensors.put(name, new long[] {64, 32});
    write(directory.resolve("model.safetensors"), tensors);
    assertMessage(
        config, "tensor " + name + ": expected shape [32, 64] (config.json), found [64, 32]");
  }

  @Test
  void otherElementTypesAreRefused() throws IOException {
    ModelConfig config = ModelShape.of("tiny").config();
    TestModels.random(directory, "tiny");
    Path file = directory.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    String header = new String(bytes, 8, 4000, java.nio.charset.StandardCharsets.ISO_8859_1);
    int at = 8 + header.indexOf("\"BF16\"");
    System.arraycopy(
        "\"I16\" ".getBytes(java.nio.charset.StandardCharsets.US_ASCII), 0, bytes, at, 6);
    Files.write(file, bytes);
    assertMessage(config, "tensor model.embed_tokens.weight: expected F32, F16 or BF16, found I16");
  }
}
