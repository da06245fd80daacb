package dev.gavel.engine;

import static dev.gavel.engine.Numbers.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Models of random shape against {@link ReferenceModel}; the seed is the test's name. */
class RandomShapeTest {
  private static final EngineOptions OPTIONS = TestOptions.blocks(16);

  /** Between one summation order and another, as {@code tools/goldens/make.py} derives it. */
  private static final int CHAIN_FACTOR = 4;

  static LongStream seeds() {
    return LongStream.range(0, 60);
  }

  private static int between(SplittableRandom random, int least, int most) {
    return random.nextInt(least, most + 1);
  }

  private static ModelConfig shape(SplittableRandom random) {
    int layers = between(random, 1, 3);
    int kvHeads = between(random, 1, 4);
    int experts = random.nextBoolean() ? 0 : between(random, 1, 9);
    BitSet dense = new BitSet();
    for (int layer = 0; experts > 0 && layer < layers; layer++) {
      dense.set(layer, random.nextInt(4) == 0);
    }
    return new ModelConfig(
        "random",
        between(random, 2, 130),
        between(random, 2, 70),
        layers,
        kvHeads * between(random, 1, 5),
        kvHeads,
        2 * between(random, 1, 20),
        between(random, 1, 90),
        128,
        between(random, 2, 100_000),
        rope(random),
        1e-5 * between(random, 1, 1000),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        experts,
        experts == 0 ? 0 : between(random, 1, experts),
        experts == 0 ? 0 : between(random, 1, 40),
        random.nextBoolean(),
        dense);
  }

  private static RopeScaling rope(SplittableRandom random) {
    double factor = between(random, 1, 8);
    return switch (random.nextInt(3)) {
      case 0 -> RopeScaling.NONE;
      case 1 -> new RopeScaling(RopeScaling.Kind.LINEAR, factor, 1, 1, 0);
      default -> new RopeScaling(RopeScaling.Kind.LLAMA3, factor, 1, between(random, 2, 6), 32);
    };
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void logits(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Checkpoint checkpoint = Checkpoint.random(shape(random), seed);
    ModelConfig config = checkpoint.config();
    int[] tokens = Numbers.randomTokens(random, config.vocabulary(), between(random, 1, 40));
    ReferenceModel exact = new ReferenceModel(checkpoint, false);
    double[][] expected = exact.logits(tokens);
    double[][] rounded = new ReferenceModel(checkpoint, true).logits(tokens);
    double tolerance = CHAIN_FACTOR * furthest(expected, rounded);
    Assumptions.assumeTrue(
        exact.routerGap() > tolerance, "two experts are too close for fp32 to tell them apart");
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (Engine engine = checkpoint.engine(OPTIONS)) {
      // Every position yields its row: a chain of single tokens.
      for (int t = 0; t < tokens.length; t++) {
        batch.add(t - 1, tokens, t, t + 1);
        batch.logits();
      }
      engine.run(batch, result);
      for (int t = 0; t < tokens.length; t++) {
        assertClose(expected[t], result.logits(t), tolerance, config + ", position " + t);
      }
      float[] last = result.logits(tokens.length - 1);
      batch.clear();
      batch.root(tokens);
      batch.logits();
      engine.run(batch, result);
      assertArrayEquals(last, result.logits(0), config + ", in one piece");
    }
  }

  private static double furthest(double[][] a, double[][] b) {
    double most = 0;
    for (int t = 0; t < a.length; t++) {
      for (int i = 0; i < a[t].length; i++) {
        most = Math.max(most, Math.abs(a[t][i] - b[t][i]));
      }
    }
    return most;
  }

  /**
   * Each token is routed by itself: a batch in which every expert has its crowd, and one in which
   * experts go empty, give each row the same bits.
   */
  @Test
  void expertsWithCrowdsAndWithNobody() {
    ModelConfig config =
        new ModelConfig(
            "qwen3_moe",
            97,
            24,
            2,
            4,
            2,
            6,
            40,
            128,
            10_000,
            RopeScaling.NONE,
            1e-6,
            false,
            true,
            false,
            16,
            3,
            12,
            true,
            new BitSet());
    SplittableRandom random = new SplittableRandom(3);
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (Engine engine = Checkpoint.random(config, 3).engine(OPTIONS)) {
      List<int[]> prompts =
          random.ints(300, 1, 12).mapToObj(n -> Numbers.randomTokens(random, 97, n)).toList();
      for (int[] prompt : prompts) {
        batch.root(prompt);
        batch.logits();
      }
      engine.run(batch, result);
      float[][] crowded = new float[prompts.size()][];
      Arrays.setAll(crowded, result::logits);
      for (int i = 0; i < crowded.length; i++) {
        batch.clear();
        batch.root(prompts.get(i));
        batch.logits();
        engine.run(batch, result);
        assertArrayEquals(crowded[i], result.logits(0), "prompt " + i);
      }
      long distinct = Arrays.stream(crowded).map(Arrays::toString).distinct().count();
      assertNotEquals(1, distinct);
    }
  }

  /** A layer 28 wide; all {@code experts} are used for every token. */
  private static ModelConfig narrow(String architecture, int experts, int expertWidth) {
    return new ModelConfig(
        architecture,
        53,
        20,
        1,
        2,
        1,
        8,
        28,
        64,
        10_000,
        RopeScaling.NONE,
        1e-6,
        false,
        true,
        true,
        experts,
        experts,
        expertWidth,
        false,
        new BitSet());
  }

  /** One expert in all and one per token is a dense layer under another name. */
  @Test
  void oneExpertIsADenseLayer() {
    Checkpoint sparse = Checkpoint.random(narrow("qwen3_moe", 1, 28), 11);
    Checkpoint dense = Checkpoint.random(narrow("qwen3", 0, 0), 11);
    sparse
        .tensors()
        .forEach(
            (name, tensor) ->
                dense.tensors().computeIfPresent(name.replace("experts.0.", ""), (k, v) -> tensor));
    int[] tokens = Numbers.randomTokens(new SplittableRandom(1), 53, 30);
    float[][] rows = new float[2][];
    Checkpoint[] both = {sparse, dense};
    for (int i = 0; i < 2; i++) {
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      try (Engine engine = both[i].engine(OPTIONS)) {
        batch.root(tokens);
        batch.logits();
        engine.run(batch, result);
        rows[i] = result.logits(0);
      }
    }
    assertEquals(rows[0].length, rows[1].length);
    assertArrayEquals(rows[0], rows[1]);
  }
}
