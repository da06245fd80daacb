package dev.gavel.engine;

import static dev.gavel.engine.Numbers.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gavel.engine.Golden.LabelSet;
import dev.gavel.engine.Golden.Prompt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The engine against Transformers; {@code tools/goldens/make.py} derives the tolerances. */
class GoldenTest {
  static Stream<Golden> cases() {
    return Golden.all();
  }

  /** Every case with blocks of one token, a few, and many. */
  static Stream<Arguments> casesAndBlockTokens() {
    return Golden.all()
        .flatMap(golden -> Stream.of(1, 4, 16).map(tokens -> Arguments.of(golden, tokens)));
  }

  @Test
  void everyArchitectureHasACase() {
    assertEquals(
        List.of("llama", "qwen2", "qwen3", "qwen3_moe"),
        Golden.all().map(golden -> golden.config().architecture()).distinct().sorted().toList());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void logitsOfPromptsAlone(Golden golden) {
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (Engine engine = golden.engine(TestOptions.blocks(16))) {
      for (Prompt prompt : golden.prompts()) {
        batch.clear();
        batch.root(prompt.tokens());
        batch.logits();
        engine.run(batch, result);
        assertClose(prompt.logits(), result.logits(0), golden.tolerance(), describe(prompt));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void logitsOfPromptsInOneBatch(Golden golden) {
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (Engine engine = golden.engine(TestOptions.blocks(16))) {
      for (Prompt prompt : golden.prompts()) {
        batch.root(prompt.tokens());
        batch.logits();
      }
      engine.run(batch, result);
      for (int i = 0; i < golden.prompts().size(); i++) {
        Prompt prompt = golden.prompts().get(i);
        assertClose(prompt.logits(), result.logits(i), golden.tolerance(), describe(prompt));
      }
    }
  }

  /** All prompts decode side by side, so every step mixes lengths and block borders. */
  @ParameterizedTest
  @MethodSource("casesAndBlockTokens")
  void greedyContinuationsAreEqual(Golden golden, int blockTokens) {
    EngineOptions options = TestOptions.blocks(blockTokens);
    KvBlocks pool = new KvBlocks(options.blocks(), blockTokens);
    int steps = golden.prompts().get(0).greedy().length;
    int[][] found = new int[golden.prompts().size()][steps];
    try (Engine engine = golden.engine(options)) {
      List<KeptTokens> streams = new ArrayList<>();
      golden.prompts().forEach(prompt -> streams.add(new KeptTokens(pool)));
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      for (int step = 0; step < steps; step++) {
        batch.clear();
        for (int i = 0; i < found.length; i++) {
          int[] next =
              step == 0 ? golden.prompts().get(i).tokens() : new int[] {found[i][step - 1]};
          streams.get(i).append(batch, next);
          batch.sample(Sampling.GREEDY, step);
        }
        engine.run(batch, result);
        for (int i = 0; i < found.length; i++) {
          found[i][step] = result.sampledToken(i);
        }
      }
    }
    for (int i = 0; i < found.length; i++) {
      Prompt prompt = golden.prompts().get(i);
      assertArrayEquals(prompt.greedy(), found[i], describe(prompt));
    }
  }

  /**
   * If no logit is off by more than t, no log-softmax is off by more than 2 t, so a form of m
   * tokens and the mass of a label by 2 m t, and after normalization over the labels by 4 m t.
   */
  @ParameterizedTest
  @MethodSource("cases")
  void labelLogProbabilitiesAndMass(Golden golden) {
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (Engine engine = golden.engine(TestOptions.blocks(16))) {
      for (LabelSet set : golden.labelSets()) {
        try (LabelTable labels = engine.labels(set.forms())) {
          batch.clear();
          batch.labels(labels, true);
          for (Prompt prompt : golden.prompts()) {
            batch.root(prompt.tokens());
            batch.score();
          }
          engine.run(batch, result);
        }
        checkLabels(golden, set, result);
      }
    }
  }

  private static void checkLabels(Golden golden, LabelSet set, BatchResult result) {
    double perForm = 2 * set.longestForm() * golden.tolerance();
    for (int i = 0; i < golden.prompts().size(); i++) {
      String what = set.name() + ", " + describe(golden.prompts().get(i));
      float[] found = result.labelLogProbabilities(i);
      double widest = Arrays.stream(set.logProbabilities()[i]).map(Math::abs).max().orElseThrow();
      double rounding = Numbers.floatRounding(widest);
      assertClose(set.logProbabilities()[i], found, 2 * perForm + rounding, what);
      double mass = result.labelLogMass(i);
      assertEquals(set.logMass()[i], mass, perForm + rounding, what + ", log mass");
    }
  }

  private static String describe(Prompt prompt) {
    return "prompt of " + prompt.tokens().length + " tokens";
  }
}
