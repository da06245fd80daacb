package dev.gavel.training.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.TokenStream;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Lora;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.sft.ResponseEncoder.Form;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PolicyEngineTest {
  /**
   * Two fp32 computations in different order: sums of up to 128 terms, about 8 of them behind each
   * other, each term rounded by 2^-24 of values up to 10: 8 * 128 * 10 * 2^-24 at the very most.
   */
  private static final double TOLERANCE = 6e-4;

  /** Stops that hold back every small letter at the end of a text. */
  private static final String HELD =
      IntStream.rangeClosed('a', 'z')
          .mapToObj(letter -> "\"" + (char) letter + "!\"")
          .collect(Collectors.joining(", "));

  /** Labels of one, two and three tokens, stops that are met, a cue that begins with a stop. */
  private static final String MANIFEST =
      """
      {"prompt": {"stops": ["~", "#", %s], "verdict_cue": "#=", "reason_cue": ", because"},
       "labels": [
         {"name": "4", "grade": 4, "surface_forms": ["Yes", "yes"], "tier": "GOOD"},
         {"name": "3", "grade": 3, "surface_forms": ["Mo3"], "tier": "GOOD"},
         {"name": "2", "grade": 2, "surface_forms": ["a"], "tier": "MID"},
         {"name": "1", "grade": 1, "surface_forms": ["zz"], "tier": "BAD"}]}
      """
          .formatted(HELD);

  @TempDir static Path folder;
  private static RelevanceModel model;

  @BeforeAll
  static void open() throws IOException {
    Torch.load();
    Torch.threads(1);
    RandomModel.write(ModelShape.of("tiny"), folder, 3, DType.BF16);
    Files.writeString(folder.resolve("gavel.json"), MANIFEST);
    model = RelevanceModel.open(folder);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static List<Judgment> pairs(int count) {
    List<Judgment> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Item item = Item.ofText("shoes " + "red ".repeat(i % 5) + i);
      out.add(Judgment.graded("p" + i, "query " + i % 3, item, 1 + i % 4));
    }
    return out;
  }

  private static EngineOptions options(int blocks, int rows) {
    return EngineOptions.defaults().withThreads(1).withBlocks(blocks).withBatchTokensMax(rows);
  }

  private static List<Rollout> flat(List<List<Rollout>> groups) {
    return groups.stream().flatMap(List::stream).toList();
  }

  private static void assertTrainersLogProbs(CausalLm trainer, List<Rollout> rollouts) {
    double[] expected =
        trainer.score(PackedBatch.of(rollouts.stream().map(Rollout::sequence).toList()));
    double[] found =
        rollouts.stream().flatMapToDouble(each -> Arrays.stream(each.ownLogProbs())).toArray();
    assertArrayEquals(expected, found, TOLERANCE);
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void logProbabilitiesAreTheTrainers(Form form) {
    // So hot that labels of several tokens are drawn too; log-probabilities stay those at 1.
    SamplingSpec spec = new SamplingSpec(form, 6, 400, .99, 23, 5);
    try (CausalLm trainer = CausalLm.load(folder);
        PolicyEngine engine = new PolicyEngine(model, options(1024, 4096))) {
      engine.push(trainer);
      List<Rollout> rollouts = flat(engine.sample(pairs(7), 5, spec));
      assertEquals(35, rollouts.size());
      assertTrainersLogProbs(trainer, rollouts);
      assertEquals(4, rollouts.stream().mapToInt(Rollout::label).distinct().count());
      // A tiny random model meets the stops now and then, so all ways to end are among these.
      assertTrue(rollouts.stream().anyMatch(Rollout::ended));
      assertTrue(form == Form.LABEL_ONLY || rollouts.stream().anyMatch(each -> !each.ended()));
    }
  }

  @Test
  void changedWeightsArePushedAdaptersMerged() {
    SamplingSpec spec = SamplingSpec.plain(Form.LABEL_FIRST, 9, 5);
    try (CausalLm trainer = CausalLm.load(folder);
        PolicyEngine engine = new PolicyEngine(model, options(1024, 4096))) {
      engine.load();
      List<Rollout> before = flat(engine.sample(pairs(3), 2, spec));
      assertTrainersLogProbs(trainer, before);
      trainer.add(new Lora(3, 6, Lora.ALL_LINEAR, 1));
      try (PointerScope scope = new PointerScope();
          NoGradGuard guard = new NoGradGuard()) {
        trainer.parameters().trainable().values().forEach(each -> each.add_(new Scalar(.1)));
      }
      engine.push(trainer);
      List<Rollout> after = flat(engine.sample(pairs(3), 2, spec));
      assertTrainersLogProbs(trainer, after);
      double first = before.get(0).ownLogProbs()[0];
      assertTrue(Math.abs(first - trainer.score(sequences(before))[0]) > 10 * TOLERANCE);
    }
  }

  private static PackedBatch sequences(List<Rollout> rollouts) {
    return PackedBatch.of(rollouts.stream().map(Rollout::sequence).toList());
  }

  private static void assertSame(Rollout expected, Rollout found) {
    assertArrayEquals(expected.tokens(), found.tokens());
    assertArrayEquals(expected.forced(), found.forced());
    assertArrayEquals(expected.logProbs(), found.logProbs(), 0); // the same bits
    assertEquals(expected.text(), found.text());
    assertEquals(expected.label(), found.label());
    assertEquals(expected.path(), found.path());
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void responsesDependOnSeedPairAndPathOnly(Form form) {
    SamplingSpec spec = SamplingSpec.plain(form, 17, 11);
    List<List<Rollout>> whole;
    try (PolicyEngine engine = new PolicyEngine(model, options(1024, 4096))) {
      engine.load();
      whole = engine.sample(pairs(8), 3, spec);
      for (int i = 0; i < 8; i++) {
        assertEquals(3, whole.get(i).size());
        assertEquals(i, whole.get(i).get(0).pair());
      }
      // Other pairs around it, fewer paths.
      List<List<Rollout>> some = engine.sample(pairs(8).subList(5, 7), 2, spec);
      assertSame(whole.get(5).get(0), some.get(0).get(0));
      assertSame(whole.get(6).get(1), some.get(1).get(1));
      Rollout other = engine.sample(pairs(1), 1, spec.withSeed(12)).get(0).get(0);
      assertFalse(
          form != Form.LABEL_ONLY && Arrays.equals(whole.get(0).get(0).tokens(), other.tokens()));
    }
    // Room for hardly more than one pair at a time, in memory and in a batch.
    try (PolicyEngine engine = new PolicyEngine(model, options(32, 250))) {
      engine.load();
      List<List<Rollout>> waves = engine.sample(pairs(8), 3, spec);
      IntStream.range(0, 24)
          .forEach(i -> assertSame(whole.get(i / 3).get(i % 3), waves.get(i / 3).get(i % 3)));
    }
  }

  @Test
  void labelFirstIsWhatAnExplanationIs() {
    SamplingSpec spec = SamplingSpec.plain(Form.LABEL_FIRST, 40, 2);
    try (PolicyEngine engine = new PolicyEngine(model, options(1024, 4096))) {
      engine.load();
      for (Rollout rollout : flat(engine.sample(pairs(4), 6, spec))) {
        Judgment pair = pairs(4).get(rollout.pair());
        ExplainPlan plan = model.explain(pair.query(), pair.item(), Order.LABEL_FIRST, List.of());
        int[] opening = plan.afterLabel().get(rollout.label());
        int own = model.labelTokens().get(rollout.label()).get(0).length;
        assertArrayEquals(plan.prompt(), rollout.prompt());
        assertArrayEquals(opening, Arrays.copyOf(rollout.tokens(), opening.length));
        for (int i = 0; i < rollout.tokens().length; i++) {
          assertEquals(i >= own && i < opening.length, rollout.forced()[i], "token " + i);
        }
        int[] rest = Arrays.copyOfRange(rollout.tokens(), opening.length, rollout.tokens().length);
        assertTrue(rest.length == 40 || rollout.ended());
        assertTrue(text(rest).startsWith(rollout.text()));
        assertFalse(rollout.text().contains("~") || rollout.text().contains("#"));
      }
    }
  }

  /** Bytes that are no text are read as the server reads them. */
  private static String text(int[] tokens) {
    TokenStream stream = model.tokenStream(List.of());
    StringBuilder out = new StringBuilder();
    IntStream.of(tokens).forEach(token -> out.append(stream.push(token)));
    return out + stream.flush();
  }

  @Test
  void thinkFirstEndsWithCueAndLabel() {
    SamplingSpec spec = SamplingSpec.plain(Form.THINK_FIRST, 60, 3);
    int begun = 0;
    int exact = 0;
    try (PolicyEngine engine = new PolicyEngine(model, options(4096, 4096))) {
      engine.load();
      for (Rollout rollout : flat(engine.sample(pairs(4), 25, spec))) {
        int[] form = model.labelTokens().get(rollout.label()).get(0);
        String whole = text(rollout.tokens());
        String ending = "#=" + text(form);
        assertTrue(whole.endsWith(ending), whole);
        String kept = whole.substring(0, whole.length() - ending.length());
        // A token in the midst of which a stop text begins is not kept.
        assertTrue(rollout.text().startsWith(kept), whole);
        exact += rollout.text().equals(kept) ? 1 : 0;
        int cue = rollout.tokens().length - form.length - 2;
        boolean wroteStop = !rollout.forced()[cue];
        begun += wroteStop ? 1 : 0;
        assertTrue(rollout.forced()[cue + 1] || wroteStop);
        assertFalse(wroteStop && !rollout.ended());
        assertFalse(rollout.forced()[rollout.tokens().length - 1]);
      }
    }
    assertTrue(exact > 90, "exact: " + exact);
    assertTrue(begun > 0); // some wrote the stop that the cue begins with
  }

  @Test
  void labelsAreDrawnByTheirProbability() {
    int draws = 4000;
    try (PolicyEngine engine = new PolicyEngine(model, options(1024, 4096))) {
      engine.load();
      for (double temperature : new double[] {1, .5}) {
        SamplingSpec spec = new SamplingSpec(Form.LABEL_ONLY, temperature, 1, .1, 1, 4);
        int[] counts = new int[4];
        double[] weights = new double[4];
        for (Rollout rollout : engine.sample(pairs(1), draws, spec).get(0)) {
          counts[rollout.label()]++;
          double log = Arrays.stream(rollout.logProbs()).sum();
          weights[rollout.label()] = Math.exp(log / temperature);
        }
        double sum = Arrays.stream(weights).sum();
        for (int i = 0; i < 4; i++) {
          double p = weights[i] / sum;
          double sigma = Math.sqrt(p * (1 - p) / draws);
          assertEquals(p, counts[i] / (double) draws, 4.5 * sigma, "label " + i); // fixed seed
        }
      }
      SamplingSpec greedy = new SamplingSpec(Form.LABEL_FIRST, 0, 0, 1, 5, 4);
      List<Rollout> same = engine.sample(pairs(1), 3, greedy).get(0);
      assertArrayEquals(same.get(0).tokens(), same.get(2).tokens());
    }
  }

  @Test
  void whatCannotBeIsNamed() {
    SamplingSpec spec = SamplingSpec.plain(Form.LABEL_FIRST, 400, 1);
    try (PolicyEngine engine = new PolicyEngine(model, options(16, 4096))) {
      assertThrows(IllegalStateException.class, () -> engine.sample(pairs(1), 1, spec));
      engine.load();
      String message =
          assertThrows(IllegalArgumentException.class, () -> engine.sample(pairs(1), 1, spec))
              .getMessage();
      assertTrue(message.startsWith("pair p0: expected at most 16 KV blocks"), message);
      Judgment blank = Judgment.graded("none", " ", Item.ofText("shoes"), 1);
      message =
          assertThrows(IllegalArgumentException.class, () -> engine.sample(List.of(blank), 1, spec))
              .getMessage();
      assertTrue(message.startsWith("pair none: "), message);
      try (CausalLm other = CausalLm.load(Path.of("../native/src/test/resources/goldens/qwen3"))) {
        assertThrows(IllegalArgumentException.class, () -> engine.push(other));
      }
    }
    assertThrows(IllegalArgumentException.class, () -> SamplingSpec.plain(Form.LABEL_FIRST, 0, 1));
  }
}
