package dev.gavel.engine;

import static dev.gavel.engine.Numbers.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A model over several devices, on the host's model of a device; see {@code cuda_engine_test}. */
class DeviceGroupTest {
  private static final List<List<int[]>> LABELS =
      List.of(List.of(new int[] {5}), List.of(new int[] {9, 3}, new int[] {7}));
  private static final ModelConfig SHAPE =
      new ModelConfig(
          "qwen3",
          97,
          48,
          2,
          4,
          2,
          16,
          64,
          256,
          10_000,
          RopeScaling.NONE,
          1e-6,
          false,
          true,
          true,
          0,
          0,
          0,
          false,
          new BitSet());

  @BeforeAll
  static void hostDevice() {
    Path library = Path.of(String.valueOf(System.getenv("GAVEL_CUDA")), "libgavel_cuda.so");
    Assumptions.assumeTrue(Files.exists(library), "the host's model of a device is not built");
  }

  private static EngineOptions on(String device) {
    return new EngineOptions(device, Quantization.defaultOf(device), 1, 256, 16, 8);
  }

  /** Label log-probabilities of a prefix's items. */
  private static List<float[]> score(Engine engine) {
    SplittableRandom random = new SplittableRandom(4);
    List<float[]> rows = new ArrayList<>();
    try (LabelTable labels = engine.labels(LABELS)) {
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      batch.labels(labels, false);
      int prefix = batch.root(Numbers.randomTokens(random, SHAPE.vocabulary(), 21));
      for (int length : new int[] {3, 1, 12}) {
        batch.child(prefix, Numbers.randomTokens(random, SHAPE.vocabulary(), length));
        batch.score();
      }
      engine.run(batch, result);
      for (int i = 0; i < 3; i++) {
        rows.add(result.labelLogProbabilities(i).clone());
      }
    }
    return rows;
  }

  /**
   * As in {@code parity.cpp}: 14 roundings to bf16 a layer, three times what they add up to, on
   * logits whose deviation is 3, of which a label's log-probability sums six.
   */
  private static double tolerance() {
    return 3 * 0x1p-9 * Math.sqrt(14 * SHAPE.layers()) * 3 * 6;
  }

  @Test
  void scoresAreThoseOfTheCpu() {
    Checkpoint checkpoint = Checkpoint.random(SHAPE, 2);
    try (Engine cpu = checkpoint.engine(on("cpu"));
        Engine group = checkpoint.engine(on("cuda:0+2"))) {
      List<float[]> expected = score(cpu);
      List<float[]> found = score(group);
      for (int i = 0; i < expected.size(); i++) {
        double[] row = new double[expected.get(i).length];
        for (int l = 0; l < row.length; l++) {
          row[l] = expected.get(i)[l];
        }
        assertClose(row, found.get(i), tolerance(), "item " + i);
      }
      EngineInfo info = group.info();
      assertEquals("cuda:0+2", info.device());
      assertEquals(cpu.info().parameters(), info.parameters());
      assertEquals(
          2L * SHAPE.layers() * SHAPE.kvHeads() * SHAPE.headDim() * 2, info.kvBytesPerToken());
    }
  }

  @Test
  void deviceNamesThatCannotBe() {
    Checkpoint checkpoint = Checkpoint.random(SHAPE, 2);
    for (String device : new String[] {"cuda:0+", "cuda:+1", "cuda:0,1", "cuda:0+cuda:1"}) {
      refused(EngineException.Code.INVALID_ARGUMENT, checkpoint, device, "found " + device);
    }
    refused(EngineException.Code.INVALID_ARGUMENT, checkpoint, "cuda:1+1", "each device once");
    refused(EngineException.Code.INVALID_ARGUMENT, checkpoint, "cuda:0+1+2", "kv_heads: expected");
    refused(EngineException.Code.UNAVAILABLE, checkpoint, "cuda:0+63", "cuda:63");
  }

  private static void refused(
      EngineException.Code code, Checkpoint checkpoint, String device, String text) {
    EngineException e =
        assertThrows(EngineException.class, () -> checkpoint.engine(on(device)).close(), device);
    assertEquals(code, e.code(), e.getMessage());
    assertTrue(e.getMessage().contains(text), e.getMessage());
  }

  private static Engine rank(Checkpoint checkpoint, int index, Rank.Collective collective) {
    Rank rank = new Rank(index, 2, collective);
    try (EngineBuilder builder = EngineBuilder.create(SHAPE, on("cuda:0"), rank)) {
      checkpoint
          .tensors()
          .forEach((n, t) -> builder.tensor(n, t.dtype(), t.shape(), t.data().duplicate()));
      return builder.build();
    }
  }

  /**
   * A rank alone, whose sums add nothing, is asked for two of them a layer and one at the start.
   */
  @Test
  void aRankOfAnotherProcessSumsTwiceALayer() {
    List<Long> sums = new ArrayList<>();
    try (Engine engine =
        rank(
            Checkpoint.random(SHAPE, 2),
            1,
            (address, elements, type, stream) -> {
              assertEquals(DType.BF16, type);
              assertTrue(address != 0);
              sums.add(elements);
            })) {
      score(engine);
      assertEquals(2L * SHAPE.layers() * 16 * 2, engine.info().kvBytesPerToken(), "half the heads");
    }
    assertEquals(1 + 2 * SHAPE.layers(), sums.size());
    assertEquals(0, sums.get(1) % SHAPE.hidden());
  }

  @Test
  void aSumThatFailsEndsTheBatchOnly() {
    Checkpoint checkpoint = Checkpoint.random(SHAPE, 2);
    IllegalStateException lost = new IllegalStateException("nobody there");
    boolean[] fails = new boolean[1];
    try (Engine engine =
        rank(
            checkpoint,
            0,
            (address, elements, type, stream) -> {
              if (fails[0]) {
                throw lost;
              }
            })) {
      List<float[]> before = score(engine);
      fails[0] = true;
      EngineException e = assertThrows(EngineException.class, () -> score(engine));
      assertEquals(EngineException.Code.UNAVAILABLE, e.code());
      assertSame(lost, e.getCause());
      fails[0] = false;
      assertArrayEquals(before.get(2), score(engine).get(2));
    }
    fails[0] = true;
    EngineException e =
        assertThrows(
            EngineException.class,
            () ->
                rank(
                    checkpoint,
                    0,
                    (address, elements, type, stream) -> {
                      throw lost;
                    }));
    assertSame(lost, e.getCause(), "a rank that is missing is found when the engine is built");
  }
}
