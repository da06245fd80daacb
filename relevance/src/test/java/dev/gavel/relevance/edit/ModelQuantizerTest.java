package dev.gavel.relevance.edit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.relevance.ModelFormatException;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.TestModels;
import dev.gavel.relevance.model.Checkpoint;
import dev.gavel.relevance.model.Floats;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.relevance.model.TensorInfo;
import dev.gavel.relevance.model.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelQuantizerTest {
  @TempDir Path folder;
  private Path base;
  private Path out;

  @BeforeEach
  void paths() {
    base = folder.resolve("base");
    out = folder.resolve("out");
  }

  private static QuantizeSpec spec(int bits, int group, int embedding, String overrides) {
    return new QuantizeSpec(bits, group, embedding, QuantizeSpec.parseOverrides(overrides));
  }

  private static Map<String, float[]> floats(Path directory) {
    Map<String, float[]> out = new HashMap<>();
    Weights.open(directory)
        .forEach(
            (name, dtype, shape, data) -> {
              float[] values = new float[data.remaining() / dtype.bytes()];
              for (int i = 0; i < values.length; i++) {
                values[i] = Floats.get(data, dtype, i);
              }
              out.put(name, values);
            });
    return out;
  }

  /**
   * With a scale of the largest weight over 2^(bits-1) - 1, rounding moves a weight by half a scale
   * at most. The chosen scale has no larger squared error over the group than that; F16 scales and
   * weights add 2^-11 each of the weight.
   */
  @ParameterizedTest
  @CsvSource({
    "tiny-llama,4,32,8",
    "tiny-qwen2,8,0,4",
    "tiny-qwen3,4,0,16",
    "qwen3-moe-tiny,8,16,8"
  })
  void weightsComeBackWithinHalfAStep(String shape, int bits, int group, int embedding)
      throws IOException {
    TestModels.random(base, shape);
    QuantizeReport report = ModelQuantizer.quantize(base, out, spec(bits, group, embedding, ""));
    assertEquals(report.bytesAfter(), ModelFiles.bytes(out));
    assertTrue(report.bytesAfter() < report.bytesBefore());
    Map<String, float[]> found = floats(out);
    Map<String, long[]> shapes = Weights.open(base).tensors();
    floats(base)
        .forEach(
            (name, expected) -> {
              boolean matrix = shapes.get(name).length == 2 && !name.contains(".mlp.gate.");
              boolean vocabulary = name.contains("embed_tokens") || name.contains("lm_head");
              int stored = !matrix ? 16 : vocabulary ? embedding : bits;
              if (stored == 16) {
                assertArrayEquals(expected, found.get(name), name);
                return;
              }
              int width = group == 0 ? (int) shapes.get(name)[1] : group;
              assertGroupsNear(name, expected, found.get(name), width, (1 << stored - 1) - 1);
            });
    RelevanceModel.open(out).close();
  }

  private static void assertGroupsNear(
      String name, float[] expected, float[] found, int width, int levels) {
    for (int from = 0; from < expected.length; from += width) {
      double largest = 0;
      double error = 0;
      double squares = 0;
      for (int i = from; i < from + width; i++) {
        largest = Math.max(largest, Math.abs(expected[i]));
        error += Math.pow(expected[i] - found[i], 2);
        squares += Math.pow(expected[i], 2);
      }
      double bound = Math.sqrt(width) * largest / levels / 2 + Math.sqrt(squares) * 0x1p-10;
      assertTrue(Math.sqrt(error) <= bound, name + " at " + from + ": " + Math.sqrt(error));
    }
  }

  /** What is exact on a grid comes back exactly, whichever sign has the level more. */
  @ParameterizedTest
  @ValueSource(ints = {-8, 8, 7})
  void aGridIsFound(int extreme) {
    float[] weights = new float[16];
    Random random = new Random(5);
    for (int i = 0; i < weights.length; i++) {
      weights[i] = 0.125f * (random.nextInt(15) - 7);
    }
    weights[3] = 0.125f * extreme;
    byte[] integers = new byte[16];
    float scale = new GroupQuantizer(4, 16).quantize(weights, 0, 16, integers);
    for (int i = 0; i < weights.length; i++) {
      assertEquals(weights[i], integers[i] * scale, 1e-6);
    }
    assertEquals(extreme == 8, scale < 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8})
  void extremesAreFinite(int bits) {
    for (float size : new float[] {0, 1e-30f, 1e-7f, 1e4f}) {
      float[] weights = {size, -size, size / 3, 0, size / 7};
      byte[] integers = new byte[5];
      float scale = new GroupQuantizer(bits, 5).quantize(weights, 0, 5, integers);
      for (int i = 0; i < 5; i++) {
        assertEquals(weights[i], integers[i] * scale, size / 10 + 1e-7, "of " + size);
      }
    }
  }

  /** The search must beat plain rounding clearly where few bits meet bell-shaped weights. */
  @Test
  void searchedScalesBeatTheLargestWeight() {
    Random random = new Random(9);
    double searched = 0;
    double plain = 0;
    for (int trial = 0; trial < 200; trial++) {
      float[] weights = new float[32];
      float largest = 0;
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (float) random.nextGaussian();
        largest = Math.max(largest, Math.abs(weights[i]));
      }
      byte[] integers = new byte[32];
      float scale = new GroupQuantizer(4, 32).quantize(weights, 0, 32, integers);
      for (int i = 0; i < weights.length; i++) {
        searched += Math.pow(weights[i] - integers[i] * scale, 2);
        plain += Math.pow(weights[i] - Math.round(weights[i] * 7 / largest) * largest / 7, 2);
      }
    }
    assertTrue(searched < 0.85 * plain, searched + " against " + plain);
  }

  @Test
  void overridesNameModules() throws IOException {
    TestModels.random(base, "tiny");
    ModelQuantizer.quantize(base, out, spec(4, 32, 8, "layers\\.0\\.mlp=8,down_proj=16"));
    Map<String, TensorInfo> stored = new HashMap<>();
    Checkpoint.open(out).tensors().forEach(info -> stored.put(info.name(), info));
    String layer = "model.layers.0.";
    assertEquals(8, words(stored, layer + "self_attn.q_proj", 64));
    assertEquals(16, words(stored, layer + "mlp.up_proj", 64));
    assertEquals(16, words(stored, "model.embed_tokens", 64));
    assertTrue(stored.containsKey(layer + "mlp.down_proj.weight_packed"), "the first one counts");
    assertTrue(stored.containsKey("model.layers.1.mlp.down_proj.weight"));
    var config = ModelFiles.read(out, "config.json").get("quantization_config");
    assertTrue(config.get("ignore").toString().contains("model.layers.1.mlp.down_proj"));
    assertTrue(config.get("ignore").toString().contains("lm_head"), "is tied");
  }

  private static long words(Map<String, TensorInfo> stored, String module, int columns) {
    TensorInfo info = stored.get(module + ".weight_packed");
    assertEquals(columns / 32, stored.get(module + ".weight_scale").shape()[1]);
    return info.shape()[1];
  }

  @Test
  void exportGivesTheFloatsBack() throws IOException {
    TestModels.random(base, "tiny");
    ModelQuantizer.quantize(base, out, spec(4, 32, 8, ""));
    Path plain = folder.resolve("plain");
    ModelExporter.export(out, plain, new ExportSpec(DType.F32, null, "judge", "7"));
    assertFalse(ModelFiles.read(plain, "config.json").has("quantization_config"));
    assertEquals(java.util.List.of(DType.F32), Weights.open(plain).dtypes());
    Map<String, float[]> expected = floats(out);
    floats(plain).forEach((name, found) -> assertArrayEquals(expected.get(name), found, name));
    try (RelevanceModel model = RelevanceModel.open(plain)) {
      assertEquals("judge", model.name());
      assertEquals("7", model.version());
    }
  }

  @Test
  void exportConvertsAndTakesAManifest() throws IOException {
    RandomModel.write(ModelShape.of("tiny"), base, 3, DType.F32);
    Path manifest = folder.resolve("m.json");
    Files.writeString(manifest, "{\"name\": \"a\", \"tier_threshold\": 0.25}");
    ModelExporter.export(base, out, new ExportSpec(DType.BF16, manifest, null, "2"));
    Map<String, float[]> found = floats(out);
    floats(base)
        .forEach(
            (name, values) -> {
              for (int i = 0; i < values.length; i++) {
                assertEquals(values[i], found.get(name)[i], Math.abs(values[i]) * 0x1p-8, name);
              }
            });
    assertEquals("bfloat16", ModelFiles.read(out, "config.json").get("torch_dtype").asText());
    try (RelevanceModel model = RelevanceModel.open(out)) {
      assertEquals("a", model.name());
      assertEquals("2", model.version());
      assertEquals(0.25, model.tierRule().threshold());
    }
  }

  @Test
  void whatCannotBeQuantizedIsRefused() throws IOException {
    TestModels.random(base, "tiny");
    IllegalArgumentException group =
        assertThrows(
            IllegalArgumentException.class,
            () -> ModelQuantizer.quantize(base, out, spec(4, 48, 8, "")));
    assertTrue(
        group.getMessage().contains("expected a divisor of the 64 columns"), group.getMessage());
    assertFalse(Files.exists(out));
    ModelQuantizer.quantize(base, out, spec(8, 0, 8, ""));
    Path again = folder.resolve("again");
    ModelFormatException twice =
        assertThrows(
            ModelFormatException.class,
            () -> ModelQuantizer.quantize(out, again, spec(8, 0, 8, "")));
    assertTrue(twice.getMessage().contains("expected float weights, found quantized ones"));
    ModelFormatException prune =
        assertThrows(
            ModelFormatException.class,
            () -> ModelPruner.prune(out, again, new PruneSpec("1", 0, java.util.List.of(), null)));
    assertTrue(prune.getMessage().contains("expected float weights"), prune.getMessage());
    for (String wrong : new String[] {"a", "=4", "(=4", "a=5", "a=x"}) {
      assertThrows(IllegalArgumentException.class, () -> spec(4, 0, 8, wrong), wrong);
    }
    assertThrows(IllegalArgumentException.class, () -> spec(5, 0, 8, ""));
    assertThrows(IllegalArgumentException.class, () -> spec(4, -1, 8, ""));
    assertThrows(IllegalArgumentException.class, () -> spec(4, 0, 32, ""));
  }
}
