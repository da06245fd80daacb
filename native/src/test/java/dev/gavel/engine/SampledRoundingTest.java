package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.Golden.Prompt;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** int8 weights that were rounded by a sample of the prompts to come. */
class SampledRoundingTest {
  private static final EngineOptions INT8 =
      TestOptions.blocks(16).withQuantization(Quantization.INT8);

  private static Engine engine(Golden golden, EngineOptions options, int[]... samples) {
    return engine(golden.checkpoint(), options, samples);
  }

  private static Engine engine(Checkpoint checkpoint, EngineOptions options, int[]... samples) {
    try (EngineBuilder builder = EngineBuilder.create(checkpoint.config(), options)) {
      checkpoint
          .tensors()
          .forEach(
              (name, tensor) ->
                  builder.tensor(name, tensor.dtype(), tensor.shape(), tensor.data().duplicate()));
      for (int[] sample : samples) {
        builder.sample(sample);
      }
      return builder.build();
    }
  }

  private static float[] logits(Engine engine, int[] tokens) {
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    batch.root(tokens);
    batch.logits();
    engine.run(batch, result);
    return result.logits(0).clone();
  }

  /** As near to Transformers as {@link Int8AccuracyTest} asks of nearest rounding. */
  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void logitsAreNear(Golden golden) {
    double error = 0;
    double size = 0;
    try (Engine engine = engine(golden, INT8, golden.prompts().get(0).tokens())) {
      for (Prompt prompt : golden.prompts()) {
        float[] found = logits(engine, prompt.tokens());
        for (int i = 0; i < found.length; i++) {
          error += Math.pow(found[i] - prompt.logits()[i], 2);
          size += Math.pow(prompt.logits()[i], 2);
        }
      }
    }
    double bound = Int8AccuracyTest.bound(golden.config());
    double relative = Math.sqrt(error / size);
    System.out.printf("%s: relative error %.4f, bound %.4f%n", golden, relative, bound);
    assertTrue(relative <= bound, () -> "expected at most " + bound + ", found " + relative);
  }

  /** The weights are the model's and the sample's alone, whatever room and threads there are. */
  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void bitsDependOnModelAndSampleOnly(Golden golden) {
    SplittableRandom random = new SplittableRandom(7);
    int[] sample = random.ints(131, 0, golden.config().vocabulary()).toArray();
    sample = Arrays.copyOf(sample, Math.min(131, golden.config().maxPositions()));
    int[] tokens = golden.prompts().get(0).tokens();
    float[] expected;
    try (Engine engine = engine(golden, INT8.withThreads(1), sample, tokens)) {
      expected = logits(engine, tokens);
    }
    EngineOptions narrow = INT8.withThreads(3).withBatchTokensMax(tokens.length);
    try (Engine engine = engine(golden, narrow, sample, tokens)) {
      assertArrayEquals(expected, logits(engine, tokens));
    }
    try (Engine nearest = engine(golden, INT8)) {
      assertFalse(Arrays.equals(expected, logits(nearest, tokens)), "the sample changed nothing");
    }
  }

  @Test
  void otherEnginesIgnoreIt() {
    Golden golden = Golden.named("qwen3");
    int[] tokens = golden.prompts().get(0).tokens();
    try (Engine with = engine(golden, TestOptions.blocks(16), tokens);
        Engine without = engine(golden, TestOptions.blocks(16))) {
      assertArrayEquals(logits(without, tokens), logits(with, tokens));
    }
  }

  /** So wide a stream that the sample's products would not fit: to the nearest. */
  @Test
  void aVeryWideModelIsRoundedToTheNearest() {
    ModelConfig config = TestConfigs.dense("wide", 40, 8224, 2, 2, 1, 16, 48, true);
    Checkpoint checkpoint = Checkpoint.random(config, 3);
    int[] tokens = {1, 2, 3};
    try (Engine with = engine(checkpoint, INT8, tokens);
        Engine without = engine(checkpoint, INT8)) {
      assertArrayEquals(logits(without, tokens), logits(with, tokens));
    }
  }

  @Test
  void refusesWhatIsNoPrompt() {
    Golden golden = Golden.named("qwen3");
    int most = golden.config().maxPositions();
    int vocabulary = golden.config().vocabulary();
    refused(golden, new int[0], "expected 1 to " + most + " tokens, found 0");
    refused(golden, new int[most + 1], "expected 1 to " + most + " tokens, found " + (most + 1));
    refused(golden, new int[] {0, vocabulary}, "to " + (vocabulary - 1) + ", found " + vocabulary);
    refused(golden, new int[] {-1}, "found -1");
    int[] whole = IntStream.range(0, most).map(i -> i % vocabulary).toArray();
    try (Engine engine = engine(golden, INT8, whole)) {
      assertEquals(vocabulary, logits(engine, new int[] {1}).length);
    }
  }

  private static void refused(Golden golden, int[] sample, String problem) {
    EngineException e =
        assertThrows(EngineException.class, () -> engine(golden, INT8, sample).close());
    assertEquals(EngineException.Code.INVALID_ARGUMENT, e.code());
    assertTrue(e.getMessage().contains(problem), e.getMessage());
  }
}
