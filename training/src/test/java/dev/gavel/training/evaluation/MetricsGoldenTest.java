package dev.gavel.training.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against scikit-learn; the goldens come from {@code tools/goldens/training/metrics.py}. */
class MetricsGoldenTest {
  /** Both sides add up at most a few hundred doubles in [0, 1]. */
  private static final double ROUNDING = 1e-12;

  private record Case(JsonNode json) {
    List<Scored> pairs() {
      List<Scored> out = new ArrayList<>();
      for (int i = 0; i < json.get("truth").size(); i++) {
        JsonNode row = json.get("probabilities").get(i);
        double[] probabilities = new double[row.size()];
        for (int j = 0; j < probabilities.length; j++) {
          probabilities[j] = row.get(j).asDouble();
        }
        out.add(new Scored("" + i, "q" + i % 7, json.get("truth").get(i).asInt(), probabilities));
      }
      return out;
    }

    int labels() {
      return json.get("probabilities").get(0).size();
    }

    @Override
    public String toString() {
      return json.get("name").asText();
    }
  }

  static Stream<Case> cases() throws IOException {
    try (InputStream in = MetricsGoldenTest.class.getResourceAsStream("/goldens/metrics.json")) {
      JsonNode cases = new ObjectMapper().readTree(in).get("cases");
      return StreamSupport.stream(cases.spliterator(), false).map(Case::new).toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void argmax(Case golden) {
    check(golden, golden.json().get("argmax"), Decision.ARGMAX);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void cumulative(Case golden) {
    for (Map.Entry<String, JsonNode> at : golden.json().get("cumulative").properties()) {
      check(golden, at.getValue(), Decision.cumulative(Double.parseDouble(at.getKey())));
    }
  }

  private static void check(Case golden, JsonNode expected, Decision decision) {
    ConfusionMatrix matrix = ConfusionMatrix.of(golden.pairs(), golden.labels(), decision);
    assertEquals(expected.get("accuracy").asDouble(), matrix.accuracy(), ROUNDING);
    assertEquals(expected.get("macroF1").asDouble(), matrix.macroF1(), ROUNDING);
    assertEquals(expected.get("qwk").asDouble(), matrix.quadraticWeightedKappa(), ROUNDING);
    for (int i = 0; i < golden.labels(); i++) {
      assertEquals(expected.get("perClassF1").get(i).asDouble(), matrix.f1(i), ROUNDING);
    }
    List<Integer> good = new ArrayList<>();
    golden.json().get("good").forEach(label -> good.add(label.asInt()));
    assertEquals(expected.get("goodF1").asDouble(), matrix.groupF1(good::contains), ROUNDING);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void calibrationError(Case golden) {
    Calibration calibration = Calibration.of(golden.pairs(), Calibration.BINS);
    assertEquals(golden.json().get("ece").asDouble(), calibration.error(), ROUNDING);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sweep(Case golden) {
    ThresholdSweep sweep = ThresholdSweep.of(golden.pairs(), golden.labels());
    for (Map.Entry<String, JsonNode> at : golden.json().get("curve").properties()) {
      double threshold = Double.parseDouble(at.getKey());
      assertEquals(at.getValue().asDouble(), sweep.macroF1At(threshold), ROUNDING, at.getKey());
    }
    assertTrue(sweep.macroF1() >= golden.json().get("bestOnGrid").asDouble() - ROUNDING);
    // What the sweep says is what deciding every pair anew gives.
    for (ThresholdSweep.Plateau plateau : sweep.plateaus()) {
      Decision inside = Decision.cumulative((plateau.from() + plateau.to()) / 2);
      assertEquals(
          ConfusionMatrix.of(golden.pairs(), golden.labels(), inside).macroF1(),
          plateau.macroF1(),
          ROUNDING);
    }
    Decision best = Decision.cumulative(sweep.threshold());
    assertEquals(
        ConfusionMatrix.of(golden.pairs(), golden.labels(), best).macroF1(),
        sweep.macroF1(),
        ROUNDING);
  }
}
