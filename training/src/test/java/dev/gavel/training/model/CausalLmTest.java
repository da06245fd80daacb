package dev.gavel.training.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.model.Weights;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CausalLmTest {
  /**
   * fp64 rounding, as seen beside fp32's by the goldens' own tolerance: 2^-53 against 2^-24, and a
   * factor of 100 for Transformers' different order of operations.
   */
  private static final double FP64_OF_FP32 = 100 * 0x1p-29;

  @TempDir Path folder;

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  static List<Golden> goldens() {
    return Golden.all().toList();
  }

  private static double[][] lastLogits(CausalLm model, PackedBatch batch) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      Tensor all = model.logits(batch);
      double[][] out = new double[batch.sequences()][];
      for (int i = 0; i < out.length; i++) {
        out[i] = Torch.doubles(all.narrow(0, batch.offsets()[i + 1] - 1, 1));
      }
      return out;
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void agreesWithTransformersInFp64(Golden golden) {
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double)) {
      double[][] found = lastLogits(model, golden.batch());
      for (int i = 0; i < found.length; i++) {
        assertArrayEquals(
            golden.logits().get(i), found[i], golden.tolerance() * FP64_OF_FP32, "prompt " + i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void agreesWithTheEngineInFp32(Golden golden) {
    try (CausalLm model = CausalLm.load(golden.directory());
        Engine engine = engine(golden.directory())) {
      double[][] found = lastLogits(model, golden.batch());
      Batch batch = new Batch();
      golden.prompts().forEach(tokens -> batch.add(-1, tokens, 0, tokens.length));
      Batch logits = new Batch();
      for (int[] tokens : golden.prompts()) {
        logits.root(tokens);
        logits.logits();
      }
      BatchResult result = new BatchResult();
      engine.run(logits, result);
      for (int i = 0; i < found.length; i++) {
        assertArrayEquals(golden.logits().get(i), found[i], golden.tolerance(), "prompt " + i);
        // Each is within the tolerance of the truth.
        double[] served = widened(result.logits(i));
        assertArrayEquals(served, found[i], 2 * golden.tolerance(), "prompt " + i);
      }
    }
  }

  private static double[] widened(float[] values) {
    double[] out = new double[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = values[i];
    }
    return out;
  }

  private static Engine engine(Path directory) {
    Weights weights = Weights.open(directory);
    EngineOptions options = EngineOptions.defaults().withThreads(1).withBlocks(64);
    try (EngineBuilder builder = EngineBuilder.create(weights.config(), options)) {
      weights.forEach(builder::tensor);
      return builder.build();
    }
  }

  @Test
  void aSequenceDoesNotSeeItsNeighbours() {
    Golden golden = Golden.named("qwen3");
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double)) {
      double[][] together = lastLogits(model, golden.batch());
      for (int i = 0; i < together.length; i++) {
        PackedBatch alone =
            PackedBatch.of(List.of(PackedBatch.Sequence.of(golden.prompts().get(i), new int[0])));
        double[][] found = lastLogits(model, alone);
        assertArrayEquals(found[0], together[i], golden.tolerance() * FP64_OF_FP32);
      }
    }
  }

  @Test
  void logProbsAreThoseOfTheTargets() {
    Golden golden = Golden.named("llama-tied");
    int[] tokens = golden.prompts().get(3);
    PackedBatch batch =
        PackedBatch.of(
            List.of(
                PackedBatch.Sequence.of(tokens, new int[0]),
                PackedBatch.Sequence.of(new int[] {tokens[0]}, Arrays.copyOfRange(tokens, 1, 5)),
                PackedBatch.Sequence.of(tokens, new int[] {7})));
    assertArrayEquals(new int[] {tokens[1], tokens[2], tokens[3], tokens[4], 7}, batch.targets());
    try (CausalLm model = CausalLm.load(golden.directory(), ScalarType.Double);
        PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      double[] found = model.score(batch);
      Tensor logs = model.logits(batch).log_softmax(1);
      for (int i = 0; i < found.length; i++) {
        double[] row = Torch.doubles(logs.narrow(0, batch.rows()[i], 1));
        assertEquals(row[batch.targets()[i]], found[i], 1e-12);
      }
      double[] truth = golden.logits().get(3);
      double max = Arrays.stream(truth).max().orElseThrow();
      double mass = Arrays.stream(truth).map(logit -> Math.exp(logit - max)).sum();
      assertEquals(truth[7] - max - Math.log(mass), found[4], golden.tolerance() * FP64_OF_FP32);
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void whatIsWrittenIsReadBack(Golden golden) throws IOException {
    Path out = folder.resolve("model");
    try (CausalLm model = CausalLm.load(golden.directory())) {
      ModelWriter.write(model, golden.directory(), out, DType.F32);
      try (CausalLm again = CausalLm.load(out)) {
        assertEquals(model.config(), again.config());
        assertArrayEquals(
            lastLogits(model, golden.batch())[2], lastLogits(again, golden.batch())[2], 0);
      }
    }
    assertEquals(List.of(DType.F32), Weights.open(out).dtypes());
  }
}
