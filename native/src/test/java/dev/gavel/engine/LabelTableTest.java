package dev.gavel.engine;

import static dev.gavel.engine.Numbers.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Labels as tries of surface forms. Their values are checked against Transformers elsewhere. */
class LabelTableTest {
  private static final Golden GOLDEN = Golden.named("llama-tied");
  private static final int[] PROMPT = GOLDEN.prompts().get(2).tokens();

  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();
  private Engine engine;

  @BeforeEach
  void open() {
    engine = GOLDEN.engine(TestOptions.blocks(16));
  }

  @AfterEach
  void close() {
    engine.close();
  }

  private float[] score(List<List<int[]>> forms) {
    try (LabelTable labels = engine.labels(forms)) {
      batch.clear();
      batch.labels(labels, true);
      batch.root(PROMPT);
      batch.score();
      engine.run(batch, result);
      return result.labelLogProbabilities(0);
    }
  }

  private static int[] form(int... tokens) {
    return tokens;
  }

  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void extraRowsAreTheInnerNodesBelowTheRoot(Golden golden) {
    try (Engine own = golden.engine(TestOptions.blocks(16))) {
      for (Golden.LabelSet set : golden.labelSets()) {
        try (LabelTable labels = own.labels(set.forms())) {
          assertEquals(set.forms().size(), labels.labels());
          assertEquals(innerNodes(set.forms()), labels.extraRows(), set.name());
        }
      }
    }
  }

  private static int innerNodes(List<List<int[]>> labels) {
    Set<List<Integer>> nodes = new HashSet<>();
    for (List<int[]> forms : labels) {
      Set<List<Integer>> own = new HashSet<>();
      forms.forEach(form -> own.add(IntStream.of(form).boxed().toList()));
      for (List<Integer> form : own) {
        boolean extension =
            IntStream.range(1, form.size()).anyMatch(n -> own.contains(form.subList(0, n)));
        if (!extension) {
          IntStream.range(1, form.size()).forEach(n -> nodes.add(form.subList(0, n)));
        }
      }
    }
    return nodes.size();
  }

  @Test
  void probabilitiesOfLabelsSumToOne() {
    for (Golden.LabelSet set : GOLDEN.labelSets()) {
      double sum = 0;
      float[] logs = score(set.forms());
      for (float log : logs) {
        sum += Math.exp(log);
      }
      // Each log is rounded to float, which moves its probability by a relative half ulp of the
      // log.
      assertEquals(1, sum, 1e-5, set.name());
    }
  }

  /** Two forms of one label weigh as much as two labels together. */
  @Test
  void surfaceFormsAddUp() {
    float[] apart = score(List.of(List.of(form(3)), List.of(form(5, 8)), List.of(form(5, 9, 1))));
    float massApart = result.labelLogMass(0);
    float[] joined = score(List.of(List.of(form(3), form(5, 9, 1)), List.of(form(5, 8))));
    float massJoined = result.labelLogMass(0);
    double sum = Math.log(Math.exp(apart[0]) + Math.exp(apart[2]));
    double rounding = Numbers.floatRounding(sum) + Numbers.floatRounding(massApart);
    assertEquals(sum, joined[0], 4 * rounding);
    assertEquals(apart[1], joined[1], 4 * rounding);
    assertEquals(massApart, massJoined, 4 * rounding);
  }

  @Test
  void extensionOfTheSameLabelAddsNothing() {
    float[] plain = score(List.of(List.of(form(3)), List.of(form(5, 8))));
    float[] extended =
        score(
            List.of(
                List.of(form(3, 4), form(3), form(3, 7, 7)), List.of(form(5, 8, 2), form(5, 8))));
    assertArrayEquals(plain, extended);
    float[] twice = score(List.of(List.of(form(3), form(3)), List.of(form(5, 8), form(5, 8))));
    assertArrayEquals(plain, twice);
  }

  @Test
  void orderOfLabelsIsTheCallers() {
    float[] one = score(List.of(List.of(form(3)), List.of(form(5, 8)), List.of(form(90))));
    float[] other = score(List.of(List.of(form(90)), List.of(form(3)), List.of(form(5, 8))));
    float[] reordered = {other[1], other[2], other[0]};
    // Sums over labels run in another order: a few roundings of numbers of this size.
    assertClose(one, reordered, 1e-5, "labels in another order");
  }

  @Test
  void aSingleLabelIsCertain() {
    assertArrayEquals(new float[] {0f}, score(List.of(List.of(form(5, 8, 13)))));
    assertTrue(result.labelLogMass(0) < 0);
  }

  @Test
  void sharedNodesMayBelongToSeveralLabels() {
    score(List.of(List.of(form(5, 8)), List.of(form(5, 9)), List.of(form(5, 10))));
    try (LabelTable labels =
        engine.labels(List.of(List.of(form(5, 8)), List.of(form(5, 9)), List.of(form(5, 10))))) {
      assertEquals(1, labels.extraRows());
    }
  }

  @Test
  void formsThatClashAcrossLabelsAreRefused() {
    refused(List.of(List.of(form(3)), List.of(form(3, 4))));
    refused(List.of(List.of(form(3, 4)), List.of(form(3))));
    refused(List.of(List.of(form(3, 4)), List.of(form(3, 4))));
    refused(List.of(List.of(form(1), form(2, 6, 7)), List.of(form(9)), List.of(form(2, 6))));
  }

  @Test
  void malformedLabelsAreRefused() {
    refused(List.of());
    refused(List.of(List.of(form(3)), List.of()));
    refused(List.of(List.of(form(3)), List.of(form())));
    refused(List.of(List.of(form(3)), List.of(form(-1))));
    refused(List.of(List.of(form(3)), List.of(form(4, GOLDEN.config().vocabulary()))));
    score(List.of(List.of(form(3)), List.of(form(4))));
  }

  private void refused(List<List<int[]>> forms) {
    EngineException e = assertThrows(EngineException.class, () -> engine.labels(forms).close());
    assertEquals(EngineException.Code.INVALID_ARGUMENT, e.code(), e.getMessage());
    assertTrue(e.getMessage().contains("found"), e.getMessage());
  }
}
