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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResponseEncoderTest {
  private static final Item SHOES = new Item("", "", "red running shoes", "for women", List.of());
  private static final Judgment RELATED =
      Judgment.graded("p1", "blue shoes", SHOES, 3).withRationale(" they are red.");

  /** 3-Related alone. */
  private static final LabelTarget HARD = new LabelTarget(1, new double[] {0, 1, 0, 0}, 1);

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
    PackedBatch.Sequence sequence =
        new ResponseEncoder(model, Form.LABEL_ONLY).encode(RELATED, HARD);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.LABEL_FIRST, List.of());
    assertArrayEquals(plan.prompt(), Arrays.copyOf(whole(sequence), plan.prompt().length));
    assertEquals(plan.prompt().length - 1, sequence.rows()[0]);
    assertArrayEquals(model.labelTokens().get(1).get(0), sequence.targets());
  }

  @Test
  void labelFirstContinuesAsAnExplanationDoes() {
    PackedBatch.Sequence sequence =
        new ResponseEncoder(model, Form.LABEL_FIRST).encode(RELATED, HARD);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.LABEL_FIRST, List.of());
    int[] after = plan.afterLabel().get(1);
    int[] form = model.labelTokens().get(1).get(0);
    int prompt = plan.prompt().length;
    assertArrayEquals(after, Arrays.copyOfRange(whole(sequence), prompt, prompt + after.length));
    assertArrayEquals(form, Arrays.copyOf(sequence.targets(), form.length));
    int[] rest = Arrays.copyOfRange(sequence.targets(), form.length, sequence.targets().length);
    assertEquals(" they are red.", model.detokenize(Arrays.copyOf(rest, rest.length - 1)));
    assertTrue(plan.endTokens().contains(rest[rest.length - 1]));
    // The tokens of the prompt and of the cue are no targets.
    assertEquals(prompt - 1, sequence.rows()[0]);
    int cue = after.length - form.length;
    assertEquals(whole(sequence).length - prompt - cue, sequence.targets().length);
  }

  @Test
  void thinkFirstEndsWithTheLabel() {
    PackedBatch.Sequence sequence =
        new ResponseEncoder(model, Form.THINK_FIRST).encode(RELATED, HARD);
    ExplainPlan plan = model.explain("blue shoes", SHOES, Order.THINK_FIRST, List.of());
    String text = model.detokenize(sequence.targets());
    assertEquals(" they are red." + model.detokenize(plan.verdictCue()) + "Mostly", text);
    assertArrayEquals(plan.prompt(), Arrays.copyOf(whole(sequence), plan.prompt().length));
  }

  @Test
  void softLabelsShareOneRow() {
    double[] shares = {.1, .2, .3, .4};
    PackedBatch.Sequence sequence =
        new ResponseEncoder(model, Form.LABEL_ONLY).encode(RELATED, new LabelTarget(1, shares, 1));
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
    assertEquals(
        "pair p1: expected 4 label weights, found 2",
        assertThrows(
                IllegalArgumentException.class,
                () -> labels.encode(RELATED, new LabelTarget(1, new double[] {.5, .5}, 1)))
            .getMessage());
    String blank =
        assertThrows(
                IllegalArgumentException.class,
                () -> labels.encode(Judgment.graded("p5", " ", SHOES, 4), HARD))
            .getMessage();
    assertTrue(blank.startsWith("pair p5: "), blank);
  }
}
