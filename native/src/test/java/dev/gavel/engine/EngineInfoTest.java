package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What an engine says of itself, and that it takes its memory once. */
class EngineInfoTest {
  private static final EngineOptions OPTIONS = TestOptions.blocks(16);

  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void sizesFollowFromTheShape(Golden golden) {
    ModelConfig c = golden.config();
    try (Engine engine = golden.engine(OPTIONS)) {
      EngineInfo info = engine.info();
      long parameters =
          golden.checkpoint().tensors().values().stream()
              .mapToLong(Checkpoint.Tensor::elements)
              .sum();
      assertEquals(parameters, info.parameters());
      assertEquals(linearParameters(c), info.linearParameters());
      assertEquals(2L * c.layers() * c.kvHeads() * c.headDim() * 4, info.kvBytesPerToken());
      long slots = (long) OPTIONS.blocks() * OPTIONS.blockTokens();
      assertTrue(info.kvBytes() >= slots * info.kvBytesPerToken(), info.toString());
      assertTrue(info.weightBytes() >= 4 * parameters - 4L * c.vocabulary() * c.hidden());
      assertEquals("cpu", info.device());
      assertEquals(Quantization.FP32, info.quantization());
      assertEquals(OPTIONS.threads(), info.threads());
      assertEquals(OPTIONS.batchTokensMax(), info.batchTokensMax());
      assertEquals(OPTIONS.blockTokens(), info.blockTokens());
      assertEquals(OPTIONS.blocks(), info.blocks());
      assertEquals(c, engine.config());
    }
  }

  /** A pool is sized before the engine is there, by what {@link Quantization} says. */
  @ParameterizedTest
  @EnumSource(
      value = Quantization.class,
      names = {"FP32", "INT8"})
  void keysAndValuesTakeWhatTheQuantizationSays(Quantization quantization) {
    Golden golden = Golden.named("llama-tied");
    ModelConfig c = golden.config();
    try (Engine engine = golden.engine(OPTIONS.withQuantization(quantization))) {
      long elements = 2L * c.layers() * c.kvHeads() * c.headDim();
      assertEquals(elements * quantization.keyValueBytes(), engine.info().kvBytesPerToken());
    }
  }

  /** Elements of the matrices that one token is multiplied with, the head excluded. */
  private static long linearParameters(ModelConfig c) {
    long attention = 2L * c.hidden() * c.headDim() * (c.heads() + c.kvHeads());
    long sum = 0;
    for (int layer = 0; layer < c.layers(); layer++) {
      sum += attention;
      sum +=
          c.isSparse(layer)
              ? (long) c.hidden() * c.experts()
                  + 3L * c.hidden() * c.expertIntermediate() * c.expertsPerToken()
              : 3L * c.hidden() * c.intermediate();
    }
    return sum;
  }

  @Test
  void rowsAreCounted() {
    Golden golden = Golden.named("qwen3");
    try (Engine engine = golden.engine(OPTIONS);
        LabelTable labels = engine.labels(golden.labelSets().get(1).forms())) {
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      int root = batch.root(new int[40]);
      batch.child(root, new int[7]);
      batch.child(root, new int[13]);
      engine.run(batch, result);
      assertEquals(60, engine.info().tokens(), "a shared prefix is computed once");
      batch.clear();
      batch.labels(labels, false);
      batch.root(new int[5]);
      batch.score();
      engine.run(batch, result);
      assertEquals(60 + 5 + labels.extraRows(), engine.info().tokens());
      assertEquals(2, engine.info().batches());
      assertTrue(result.prefillSeconds() > 0 && result.headSeconds() >= 0);
    }
  }

  /** Buffers grow to the largest batch seen and are reused from then on. */
  @Test
  void workspaceIsReused() {
    Golden golden = Golden.named("qwen3-moe");
    try (Engine engine = golden.engine(OPTIONS)) {
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      for (int i = 0; i < OPTIONS.batchTokensMax() / 512; i++) {
        batch.root(new int[512]);
        batch.logits();
      }
      engine.run(batch, result);
      EngineInfo before = engine.info();
      engine.run(batch, result);
      assertEquals(before.workspaceBytes(), engine.info().workspaceBytes());
      assertEquals(before.kvBytes(), engine.info().kvBytes());
    }
  }

  @Test
  void enginesComeAndGo() {
    Golden golden = Golden.named("llama-tied");
    float[] expected = null;
    for (int i = 0; i < 50; i++) {
      Engine engine = golden.engine(OPTIONS);
      LabelTable labels = engine.labels(golden.labelSets().get(1).forms());
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      batch.labels(labels, true);
      batch.root(golden.prompts().get(2).tokens());
      batch.score();
      engine.run(batch, result);
      float[] found = result.labelLogProbabilities(0);
      expected = expected == null ? found : expected;
      assertArrayEquals(expected, found);
      labels.close();
      labels.close();
      engine.close();
      engine.close();
    }
  }

  /** Two engines in one process share nothing. */
  @Test
  void enginesAreIndependent() {
    Golden one = Golden.named("llama-tied");
    Golden other = Golden.named("qwen3-moe");
    try (Engine first = one.engine(OPTIONS);
        Engine second = other.engine(OPTIONS)) {
      for (int i = 0; i < 3; i++) {
        check(first, one);
        check(second, other);
      }
    }
  }

  private static void check(Engine engine, Golden golden) {
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    Golden.Prompt prompt = golden.prompts().get(3);
    batch.root(prompt.tokens());
    batch.logits();
    engine.run(batch, result);
    Numbers.assertClose(prompt.logits(), result.logits(0), golden.tolerance(), golden.name());
  }
}
