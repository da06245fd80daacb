package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the builder takes, and what it refuses by name. */
class EngineBuilderTest {
  private static final EngineOptions OPTIONS = TestOptions.blocks(16);
  private static final Golden QWEN2 = Golden.named("qwen2");
  private static final Golden MOE = Golden.named("qwen3-moe");

  private static EngineException refused(
      EngineException.Code code, Runnable action, Object... mentions) {
    EngineException e = assertThrows(EngineException.class, action::run);
    assertEquals(code, e.code(), e.getMessage());
    for (Object mention : mentions) {
      assertTrue(
          e.getMessage().contains(mention.toString()),
          () -> "expected a message with \"" + mention + "\", found: " + e.getMessage());
    }
    return e;
  }

  private static EngineException invalid(Runnable action, Object... mentions) {
    return refused(EngineException.Code.INVALID_ARGUMENT, action, mentions);
  }

  private static void tensor(EngineBuilder builder, String name, long... shape) {
    long elements = 1;
    for (long dimension : shape) {
      elements *= dimension;
    }
    ByteBuffer data = ByteBuffer.allocateDirect(Math.toIntExact(2 * elements));
    builder.tensor(name, DType.BF16, shape, data);
  }

  /** The test's own list of tensors is what Transformers saved. */
  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void checkpointsHaveTheNamedTensors(Golden golden) {
    assertEquals(
        Checkpoint.shapes(golden.config()).keySet(), golden.checkpoint().tensors().keySet());
  }

  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void everyTensorIsNeeded(Golden golden) {
    Map<String, Checkpoint.Tensor> tensors = golden.checkpoint().tensors();
    for (String missing : tensors.keySet()) {
      try (EngineBuilder builder = EngineBuilder.create(golden.config(), OPTIONS)) {
        tensors.forEach(
            (name, tensor) -> {
              if (!name.equals(missing)) {
                builder.tensor(name, tensor.dtype(), tensor.shape(), tensor.data().duplicate());
              }
            });
        refused(EngineException.Code.FAILED_PRECONDITION, builder::build, missing);
      }
    }
  }

  @Test
  void unknownTensor() {
    try (EngineBuilder builder = EngineBuilder.create(QWEN2.config(), OPTIONS)) {
      String[] unknown = {
        "model.layers.0.self_attn.q_norm.weight", // of another architecture
        "model.layers.0.self_attn.o_proj.bias",
        "model.layers.2.mlp.up_proj.weight", // there are two layers
        "model.layers.-1.mlp.up_proj.weight",
        "model.layers.00.mlp.up_proj.weight",
        "model.layers.99999999999999999999.mlp.up_proj.weight",
        "model.layers.0.mlp.gate.weight",
        "model.layers.0.mlp.experts.0.up_proj.weight",
        "model.layers.0.",
        "model.layers.",
        "embed_tokens",
        "",
      };
      for (String name : unknown) {
        invalid(() -> tensor(builder, name, 56, 56), name);
      }
    }
  }

  @Test
  void expertThatDoesNotExist() {
    try (EngineBuilder builder = EngineBuilder.create(MOE.config(), OPTIONS)) {
      String name = "model.layers.0.mlp.experts.8.up_proj.weight";
      invalid(() -> tensor(builder, name, 24, 32), name);
    }
  }

  @Test
  void wrongShape() {
    try (EngineBuilder builder = EngineBuilder.create(QWEN2.config(), OPTIONS)) {
      String name = "model.layers.1.mlp.up_proj.weight";
      invalid(() -> tensor(builder, name, 84, 57), name, 84, 56, 57);
      invalid(() -> tensor(builder, name, 56, 84), name, "expected", "found");
      invalid(() -> tensor(builder, name, 84 * 56), name, "expected", "found");
      invalid(() -> tensor(builder, name, 84, 56, 1), name, "expected", "found");
      invalid(() -> tensor(builder, "model.norm.weight", 1, 56), "model.norm.weight");
      tensor(builder, name, 84, 56);
    }
  }

  @Test
  void wrongSize() {
    try (EngineBuilder builder = EngineBuilder.create(QWEN2.config(), OPTIONS)) {
      String name = "model.norm.weight";
      long[] shape = {56};
      for (int bytes : new int[] {0, 111, 113, 224}) {
        ByteBuffer data = ByteBuffer.allocateDirect(bytes);
        invalid(() -> builder.tensor(name, DType.BF16, shape, data), name, 112, bytes);
      }
      ByteBuffer part = ByteBuffer.allocateDirect(300).position(7).limit(7 + 112);
      builder.tensor(name, DType.BF16, shape, part);
    }
  }

  @Test
  void sameTensorTwice() {
    try (EngineBuilder builder = EngineBuilder.create(QWEN2.config(), OPTIONS)) {
      tensor(builder, "model.norm.weight", 56);
      invalid(() -> tensor(builder, "model.norm.weight", 56), "model.norm.weight");
    }
  }

  @Test
  void closedHalfWay() {
    for (int i = 0; i < 20; i++) {
      EngineBuilder builder = EngineBuilder.create(QWEN2.config(), OPTIONS);
      tensor(builder, "model.norm.weight", 56);
      builder.close();
      builder.close();
    }
  }

  /** Rows of a table: one changed field, in its own words. */
  @Test
  void shapesThatCannotBe() {
    cannotBe(QWEN2, "vocabulary", 0);
    cannotBe(QWEN2, "vocabulary", -5);
    cannotBe(QWEN2, "hidden", 0);
    cannotBe(QWEN2, "layers", 0);
    cannotBe(QWEN2, "heads", 0);
    cannotBe(QWEN2, "kvHeads", 0);
    cannotBe(QWEN2, "kvHeads", 3); // 7 heads
    cannotBe(QWEN2, "headDim", 0);
    cannotBe(QWEN2, "headDim", 7);
    cannotBe(QWEN2, "intermediate", 0);
    cannotBe(QWEN2, "maxPositions", 0);
    cannotBe(MOE, "experts", -1);
    cannotBe(MOE, "expertsPerToken", 0);
    cannotBe(MOE, "expertsPerToken", 9);
    cannotBe(MOE, "expertIntermediate", 0);
  }

  private static void cannotBe(Golden golden, String field, int value) {
    ModelConfig config = new Shape(golden.config()).with(field, value);
    invalid(() -> EngineBuilder.create(config, OPTIONS).close(), "expected", "found " + value);
  }

  /** A copy of a configuration with one integer field changed. */
  private record Shape(ModelConfig c) {
    ModelConfig with(String field, int value) {
      return new ModelConfig(
          c.architecture(),
          field.equals("vocabulary") ? value : c.vocabulary(),
          field.equals("hidden") ? value : c.hidden(),
          field.equals("layers") ? value : c.layers(),
          field.equals("heads") ? value : c.heads(),
          field.equals("kvHeads") ? value : c.kvHeads(),
          field.equals("headDim") ? value : c.headDim(),
          field.equals("intermediate") ? value : c.intermediate(),
          field.equals("maxPositions") ? value : c.maxPositions(),
          c.ropeTheta(),
          c.ropeScaling(),
          c.rmsEpsilon(),
          c.qkvBias(),
          c.qkNorm(),
          c.tiedEmbeddings(),
          field.equals("experts") ? value : c.experts(),
          field.equals("expertsPerToken") ? value : c.expertsPerToken(),
          field.equals("expertIntermediate") ? value : c.expertIntermediate(),
          c.normalizeExperts(),
          new BitSet());
    }
  }

  @Test
  void roomThatCannotBe() {
    ModelConfig config = QWEN2.config();
    EngineOptions o = OPTIONS;
    for (EngineOptions options :
        new EngineOptions[] {
          o.withThreads(0),
          o.withThreads(-1),
          o.withBatchTokensMax(0),
          o.withBlocks(-1),
          new EngineOptions(o.device(), o.quantization(), 1, 64, 0, 8),
          new EngineOptions(o.device(), o.quantization(), 1, 64, -16, 8)
        }) {
      invalid(() -> EngineBuilder.create(config, options).close(), "expected", "found");
    }
  }

  @Test
  void deviceThatIsNotThere() {
    EngineOptions o = OPTIONS;
    for (String device : new String[] {"", "gpu", "cuda:", "cuda:x", "cpu:0x"}) {
      EngineOptions options = new EngineOptions(device, o.quantization(), 1, 64, 16, 8);
      invalid(() -> EngineBuilder.create(QWEN2.config(), options).close(), "expected");
    }
    invalid(
        () -> EngineBuilder.create(QWEN2.config(), o.withQuantization(Quantization.FP8)).close(),
        "expected fp32 or int8 on a CPU, found fp8");
    EngineOptions cuda = new EngineOptions("cuda:63", Quantization.BF16, 1, 64, 16, 8);
    refused(
        EngineException.Code.UNAVAILABLE,
        () -> EngineBuilder.create(QWEN2.config(), cuda).close(),
        "cuda:63");
  }
}
