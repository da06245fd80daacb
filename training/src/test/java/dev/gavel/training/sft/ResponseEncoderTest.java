package dev.gavel.training.sft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.sft.ResponseEncoder.Form;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResponseEncoderTest {
  private static final Item SHOES = new Item("", "", "red running shoes", "for women", List.of());
  private static final Judgment RELATED =
      Judgment.graded("p1", "blue shoes", SHOES, 3).withRationale(" they are red.");

  @TempDir static Path folder;
  private static RelevanceModel model;

  @BeforeAll
  static void open() throws IOException {
    RandomModel.write(ModelShape.of("tiny"), folder, 1, DType.BF16);
    model = RelevanceModel.open(folder);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /** The whole text: what is read and the last target. */
  private static int[] whole(PackedBatch.Sequence sequence) {
    int[] out = Arrays.copyOf(sequence.tokens(), sequence.length() + 1);
    out[sequence.length()] = sequence.targets()[sequence.targets().length - 1];
    return out;
  }

  @Test
  void theLabelComesWhereTheServerReadsIt() {
    PackedBatch.Sequence sequence = new ResponseEncoder(model, Form.LABEL_ONLY).encode(RELATED);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.LABEL_FIRST, List.of());
    assertArrayEquals(plan.prompt(), Arrays.copyOf(whole(sequence), plan.prompt().length));
    assertEquals(plan.prompt().length - 1, sequence.rows()[0]);
    assertArrayEquals(model.labelTokens().get(1).get(0), sequence.targets());
  }

  @Test
  void labelFirstContinuesAsAnExplanationDoes() {
    PackedBatch.Sequence sequence = new ResponseEncoder(model, Form.LABEL_FIRST).encode(RELATED);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.LABEL_FIRST, List.of());
    int[] after = plan.afterLabel().get(1);
    assertArrayEquals(after, Arrays.copyOf(sequence.targets(), after.length));
    int[] rest = Arrays.copyOfRange(sequence.targets(), after.length, sequence.targets().length);
    assertEquals(" they are red.", model.detokenize(Arrays.copyOf(rest, rest.length - 1)));
    assertTrue(plan.endTokens().contains(rest[rest.length - 1]));
    // Prompt tokens are no targets.
    assertEquals(plan.prompt().length - 1, sequence.rows()[0]);
    assertEquals(whole(sequence).length - plan.prompt().length, sequence.targets().length);
  }

  @Test
  void thinkFirstEndsWithTheLabel() {
    PackedBatch.Sequence sequence = new ResponseEncoder(model, Form.THINK_FIRST).encode(RELATED);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.THINK_FIRST, List.of());
    String text = model.detokenize(sequence.targets());
    assertEquals(" they are red." + model.detokenize(plan.verdictCue()) + "Mostly", text);
    assertArrayEquals(plan.prompt(), Arrays.copyOf(whole(sequence), plan.prompt().length));
  }

  @Test
  void softLabelsShareOneRow() {
    double[] shares = {.1, .2, .3, .4};
    PackedBatch.Sequence sequence =
        new ResponseEncoder(model, Form.LABEL_ONLY).encodeSoft(RELATED, shares);
    assertEquals(1, Arrays.stream(sequence.rows()).distinct().count());
    assertArrayEquals(shares, sequence.weights());
    for (int i = 0; i < 4; i++) {
      assertEquals(model.labelTokens().get(i).get(0)[0], sequence.targets()[i]);
    }
    assertEquals(.5, sequence.times(.5).weight(), 1e-15);
  }

  @Test
  void pairsThatCannotBeLearnedAreNamed() {
    ResponseEncoder labels = new ResponseEncoder(model, Form.LABEL_ONLY);
    ResponseEncoder reasoned = new ResponseEncoder(model, Form.LABEL_FIRST);
    assertMessage(
        "pair p2: expected a grade of [4.0, 3.0, 2.0, 1.0], found 7",
        () -> labels.encode(Judgment.graded("p2", "q", SHOES, 7)));
    Judgment soft = new Judgment("p3", "q", SHOES, OptionalInt.empty(), OptionalDouble.of(2), "");
    assertMessage(
        "pair p3: expected a grade of [4.0, 3.0, 2.0, 1.0], found none", () -> labels.encode(soft));
    assertMessage(
        "pair p4: expected a rationale for LABEL_FIRST, found none",
        () -> reasoned.encode(Judgment.graded("p4", "q", SHOES, 4)));
    assertMessage(
        "pair p1: expected 4 probabilities, found 2",
        () -> labels.encodeSoft(RELATED, new double[] {.5, .5}));
    assertThrows(
        IllegalArgumentException.class,
        () -> reasoned.encodeSoft(RELATED, new double[] {.25, .25, .25, .25}));
    String blank =
        assertThrows(
                IllegalArgumentException.class,
                () -> labels.encode(Judgment.graded("p5", " ", SHOES, 4)))
            .getMessage();
    assertTrue(blank.startsWith("pair p5: "), blank);
  }

  private static void assertMessage(
      String message, org.junit.jupiter.api.function.Executable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action).getMessage());
  }
}
