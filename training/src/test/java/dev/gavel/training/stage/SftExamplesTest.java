package dev.gavel.training.stage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentWriter;
import dev.gavel.training.model.PackedBatch.Sequence;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which tokens are learned, and how much they count. */
class SftExamplesTest {
  private static final double ROUNDING = 1e-12;
  private static final Item SHOES = new Item("", "", "red shoes", "", List.of());

  @TempDir static Path folder;
  private static RelevanceModel model;
  private static int[] firsts;

  @BeforeAll
  static void open() throws IOException {
    RandomModel.write(ModelShape.of("tiny"), folder.resolve("tiny"), 1, DType.BF16);
    model = RelevanceModel.open(folder.resolve("tiny"));
    firsts = model.labelTokens().stream().mapToInt(forms -> forms.get(0)[0]).toArray();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static Judgment soft(String id, Double... distribution) {
    return new Judgment(
        id,
        "blue shoes",
        SHOES,
        OptionalInt.empty(),
        OptionalDouble.empty(),
        "",
        List.of(distribution));
  }

  private static Judgment graded(int grade) {
    return Judgment.graded("g" + grade, "blue shoes", SHOES, grade);
  }

  private static Path file(String name, Judgment... pairs) throws IOException {
    Path file = folder.resolve(name);
    try (JudgmentWriter writer = new JudgmentWriter(file)) {
      for (Judgment pair : pairs) {
        writer.write(pair);
      }
    }
    return file;
  }

  private static SftExamples read(String data, String... more) {
    String yaml = "model: x\ndata: [" + data + "]\n" + String.join("\n", more);
    return SftExamples.read(model, StageConfig.parse(yaml, Map.of(), SftConfig.class));
  }

  /** Weight of each label at the label's row. */
  private static double[] labelWeights(Sequence sequence) {
    int row = sequence.rows()[0];
    double[] out = new double[firsts.length];
    for (int i = 0; i < sequence.rows().length; i++) {
      int label = IntStream.range(0, 4).filter(indexOf(sequence.targets()[i])).findAny().orElse(-1);
      if (sequence.rows()[i] == row && label >= 0) {
        out[label] += sequence.weights()[i];
      }
    }
    return out;
  }

  private static java.util.function.IntPredicate indexOf(int token) {
    return label -> firsts[label] == token;
  }

  @Test
  void softScalesAndWeightsAndRepeats() throws IOException {
    Judgment mean = new Judgment("r", "q", SHOES, OptionalInt.empty(), OptionalDouble.of(2.5), "");
    Path soft = file("soft.jsonl", mean);
    Path hard = file("hard.jsonl", graded(2));
    SftExamples examples =
        read(
            "{path: "
                + soft
                + ", kind: soft, worst: 1, best: 3, weight: 0.5, repeat: 3}, {path: "
                + hard
                + "}");
    assertEquals(4, examples.sequences().size());
    // A quarter of the way down of three steps: between the first and the second label.
    double[] expected = {.5 * .25, .5 * .75, 0, 0};
    for (Sequence each : examples.sequences().subList(0, 3)) {
      assertArrayEquals(expected, labelWeights(each), ROUNDING);
    }
    assertArrayEquals(new double[] {0, 0, 1, 0}, labelWeights(examples.sequences().get(3)));
    assertArrayEquals(new int[] {1, 1, 1, 2}, examples.classes());
    assertArrayEquals(new long[] {0, 1, 0, 0}, examples.files().get(0).labels());
  }

  @Test
  void smoothingGivesEveryLabelAShare() throws IOException {
    SftExamples examples =
        read("{path: " + file("smooth.jsonl", graded(4)) + "}", "labelSmoothing: 0.2");
    assertArrayEquals(
        new double[] {.85, .05, .05, .05}, labelWeights(examples.sequences().get(0)), ROUNDING);
  }

  @Test
  void rareLabelsWeighMoreAndAllTogetherWeighTheSame() throws IOException {
    Path file = file("rare.jsonl", graded(4), graded(4), graded(4), graded(4), graded(1));
    List<Sequence> sequences = read("{path: " + file + "}", "balance: inverse-sqrt").sequences();
    double frequent = sequences.get(0).weight();
    double rare = sequences.get(4).weight();
    assertEquals(2, rare / frequent, ROUNDING); // sqrt(4 / 1)
    assertEquals(5, sequences.stream().mapToDouble(Sequence::weight).sum(), ROUNDING);
  }

  @Test
  void aSoftLabelStillTeachesItsReasoning() throws IOException {
    Judgment pair = soft("s", .1, .6, .3, 0.0).withRationale(" they are red.");
    String data = "{path: " + file("reasoned.jsonl", pair) + ", kind: distribution}";
    Sequence sequence = read(data, "form: label-first", "rationaleWeight: 0.25").sequences().get(0);
    assertArrayEquals(new double[] {.1, .6, .3, 0}, labelWeights(sequence), ROUNDING);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.LABEL_FIRST, List.of());
    int prompt = plan.prompt().length;
    // What is read goes on as the server writes it: the most probable label and the cue.
    int[] after = plan.afterLabel().get(1);
    assertArrayEquals(after, Arrays.copyOfRange(sequence.tokens(), prompt, prompt + after.length));
    // Learned: three labels, no cue, the reasoning and its end.
    int[] reasoning = model.tokenize(" they are red.");
    assertEquals(3 + reasoning.length + 1, sequence.targets().length);
    int from = 3;
    assertArrayEquals(
        reasoning, Arrays.copyOfRange(sequence.targets(), from, from + reasoning.length));
    assertTrue(plan.endTokens().contains(sequence.targets()[sequence.targets().length - 1]));
    for (int i = from; i < sequence.targets().length; i++) {
      assertEquals(prompt + after.length - 1 + i - from, sequence.rows()[i]);
      assertEquals(.25, sequence.weights()[i], ROUNDING);
    }
    assertEquals(sequence.rows()[sequence.rows().length - 1] + 1, sequence.length());
  }

  @Test
  void theReasoningIsOfTheGradeWhereThereIsOne() throws IOException {
    Judgment pair = graded(1).withRationale(" no.").withDistribution(List.of(.1, .4, .3, .2));
    String data = "{path: " + file("both.jsonl", pair) + ", kind: distribution}";
    Sequence sequence = read(data, "form: label-first").sequences().get(0);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.LABEL_FIRST, List.of());
    int[] after = plan.afterLabel().get(3);
    int prompt = plan.prompt().length;
    assertArrayEquals(after, Arrays.copyOfRange(sequence.tokens(), prompt, prompt + after.length));
    assertArrayEquals(new double[] {.1, .4, .3, .2}, labelWeights(sequence), ROUNDING);
  }

  @Test
  void rowsWithoutReasoningTeachTheLabelOnly() throws IOException {
    String data = "{path: " + file("plain.jsonl", graded(3)) + "}";
    for (String form : List.of("label-first", "think-first")) {
      Sequence sequence = read(data, "form: " + form, "rationaleOptional: true").sequences().get(0);
      Sequence alone = read(data).sequences().get(0);
      assertArrayEquals(alone.tokens(), sequence.tokens());
      assertArrayEquals(alone.targets(), sequence.targets());
    }
  }

  @Test
  void thinkingFirstLearnsTheLabelLast() throws IOException {
    Judgment pair = soft("s", .1, .6, .3, 0.0).withRationale(" they are red.");
    String data = "{path: " + file("thought.jsonl", pair) + ", kind: distribution}";
    Sequence sequence = read(data, "form: think-first", "rationaleWeight: 0").sequences().get(0);
    // With no weight on the reasoning only the label is left, after all of it.
    assertArrayEquals(new double[] {.1, .6, .3, 0}, labelWeights(sequence), ROUNDING);
    assertEquals(3, sequence.targets().length);
    assertEquals(sequence.length() - 1, sequence.rows()[0]);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.THINK_FIRST, List.of());
    int[] reasoning = model.tokenize(" they are red.");
    assertEquals(
        plan.prompt().length + reasoning.length + plan.verdictCue().length, sequence.length());
  }
}
