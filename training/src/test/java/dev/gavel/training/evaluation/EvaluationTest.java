package dev.gavel.training.evaluation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.LabelDistribution;
import dev.gavel.relevance.Tier;
import dev.gavel.relevance.TierRule;
import dev.gavel.training.Labels;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;

class EvaluationTest {
  private static final long SEED = 77;

  private static List<Scored> random(int queries, int perQuery) {
    SplittableRandom random = new SplittableRandom(SEED);
    List<Scored> out = new ArrayList<>();
    for (int i = 0; i < queries * perQuery; i++) {
      double[] weights = random.doubles(4).map(u -> -Math.log(1 - u)).toArray();
      double sum = weights[0] + weights[1] + weights[2] + weights[3];
      for (int j = 0; j < 4; j++) {
        weights[j] /= sum;
      }
      int truth = random.nextInt(3) == 0 ? random.nextInt(4) : Decision.ARGMAX.label(weights);
      out.add(new Scored("" + i, "query " + i / perQuery, truth, weights));
    }
    return out;
  }

  @Test
  void theDecisionsTierIsTheServers() {
    for (double threshold : new double[] {.05, .37, .5, .8, 1}) {
      TierRule rule = new TierRule(threshold, Labels.DIGITS.stream().map(Label::tier).toList());
      Decision decision = Decision.cumulative(threshold);
      for (Scored pair : random(207, 1)) {
        double[] logs = java.util.Arrays.stream(pair.probabilities()).map(Math::log).toArray();
        LabelDistribution served = LabelDistribution.of(Labels.DIGITS, logs);
        double[] probabilities = new double[4];
        for (int i = 0; i < 4; i++) {
          probabilities[i] = served.probability(i);
        }
        assertEquals(rule.tier(served), Labels.DIGITS.get(decision.label(probabilities)).tier());
      }
    }
  }

  @Test
  void halfIsTheOrdinalMedian() {
    assertEquals(1, Decision.cumulative(.5).label(new double[] {.4, .2, .2, .2}));
    assertEquals(0, Decision.ARGMAX.label(new double[] {.4, .2, .2, .2}));
    assertEquals(3, Decision.cumulative(1).label(new double[] {.3, .3, .3, .1}));
  }

  @Test
  void closedFormsOfKappaAndF1() {
    ConfusionMatrix perfect = ConfusionMatrix.of(new long[][] {{3, 0}, {0, 5}});
    assertEquals(1, perfect.quadraticWeightedKappa());
    assertEquals(1, perfect.macroF1());
    ConfusionMatrix opposite = ConfusionMatrix.of(new long[][] {{0, 4}, {4, 0}});
    assertEquals(-1, opposite.quadraticWeightedKappa());
    ConfusionMatrix chance = ConfusionMatrix.of(new long[][] {{1, 2}, {3, 6}});
    assertEquals(0, chance.quadraticWeightedKappa(), 1e-15);
    ConfusionMatrix majority = ConfusionMatrix.of(new long[][] {{6, 0, 0}, {3, 0, 0}, {1, 0, 0}});
    assertEquals(.6, majority.accuracy());
    assertEquals(.75 / 3, majority.macroF1(), 1e-15);
    assertEquals(0, majority.quadraticWeightedKappa(), 1e-15);
    assertTrue(
        Double.isNaN(ConfusionMatrix.of(new long[][] {{4, 0}, {0, 0}}).quadraticWeightedKappa()));
  }

  @Test
  void passAtKIsTheShareOfDrawsWithARightOne() {
    // All 3-subsets of 7 samples, 2 of them right.
    int hits = 0;
    int all = 0;
    for (int a = 0; a < 7; a++) {
      for (int b = a + 1; b < 7; b++) {
        for (int c = b + 1; c < 7; c++) {
          all++;
          hits += a < 2 ? 1 : 0; // samples 0 and 1 are the right ones; a is the smallest
        }
      }
    }
    assertEquals(hits / (double) all, Rates.passAt(3, 7, 2), 1e-15);
    assertEquals(2 / 7.0, Rates.passAt(1, 7, 2), 1e-15);
    assertEquals(0, Rates.passAt(5, 5, 0));
    assertEquals(1, Rates.passAt(4, 5, 2));
    List<boolean[]> samples = List.of(new boolean[] {true, false}, new boolean[] {false, false});
    assertEquals(.25, Rates.passAt(1, samples));
    assertEquals(.5, Rates.passAt(2, samples));
    assertThrows(IllegalArgumentException.class, () -> Rates.passAt(3, samples));
  }

  @Test
  void ratesOfPages() {
    assertEquals(.1, Rates.gsb(25, 60, 15), 1e-15);
    List<Tier> pages = List.of(Tier.GOOD, Tier.MID, Tier.BAD, Tier.BAD);
    assertEquals(.5, Rates.queryGoodrate(pages));
    List<List<Tier>> items = List.of(List.of(Tier.GOOD), List.of(Tier.GOOD, Tier.MID, Tier.BAD));
    assertEquals(2 / 3.0, Rates.itemGoodrate(items), 1e-15);
  }

  @Test
  void intervalsCoverAsOften() {
    // The mean of n = 150 query means: the bootstrap's half width is about 1.96 deviations.
    List<Scored> pairs = random(150, 3);
    Bootstrap.Interval interval =
        new Bootstrap(2000, .95, SEED)
            .interval(pairs, sample -> ConfusionMatrix.of(sample, 4, Decision.ARGMAX).accuracy());
    double accuracy = interval.value();
    double[] means = new double[150];
    for (int i = 0; i < pairs.size(); i++) {
      boolean right = Decision.ARGMAX.label(pairs.get(i).probabilities()) == pairs.get(i).truth();
      means[i / 3] += right ? 1 / 3.0 : 0;
    }
    double variance =
        java.util.Arrays.stream(means).map(m -> (m - accuracy) * (m - accuracy)).sum();
    double half = 1.96 * Math.sqrt(variance / 150 / 149);
    // 2000 draws know the 2.5% quantile to about 5% of the half width.
    assertEquals(accuracy - half, interval.low(), .2 * half);
    assertEquals(accuracy + half, interval.high(), .2 * half);
  }

  @Test
  void queriesAreDrawnWhole() {
    // Two queries, one all right, one all wrong: a draw's accuracy is 0, 1/2 or 1.
    List<Scored> pairs = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      pairs.add(new Scored("" + i, i < 10 ? "a" : "b", 0, i < 10 ? sure(0) : sure(1)));
    }
    List<Double> seen = new ArrayList<>();
    new Bootstrap(50, .9, SEED)
        .interval(
            pairs,
            sample -> {
              double accuracy = ConfusionMatrix.of(sample, 4, Decision.ARGMAX).accuracy();
              seen.add(accuracy);
              return accuracy;
            });
    assertEquals(List.of(0.0, .5, 1.0), seen.stream().distinct().sorted().toList());
  }

  private static double[] sure(int label) {
    double[] out = new double[4];
    out[label] = 1;
    return out;
  }

  @Test
  void quantilesAsNumpy() {
    double[] sorted = {1, 2, 4, 8};
    assertEquals(1, Bootstrap.quantile(sorted, 0));
    assertEquals(3, Bootstrap.quantile(sorted, .5));
    assertEquals(1.3, Bootstrap.quantile(sorted, .1), 1e-15); // numpy.quantile([1,2,4,8], .1)
    assertEquals(8, Bootstrap.quantile(sorted, 1));
  }

  @Test
  void reportHasBothRules() {
    List<Scored> pairs = random(30, 3);
    Evaluation evaluation = Evaluation.of(Labels.DIGITS, pairs, .5, new Bootstrap(20, .9, SEED));
    JsonNode json = evaluation.toJson(12.5);
    assertEquals(90, json.get("n").asInt());
    assertEquals(30, json.get("queries").asInt());
    assertEquals(.5, json.get("cumpt").get("threshold").asDouble());
    assertEquals(12.5, json.get("pairs_per_second").asDouble());
    for (String rule : new String[] {"argmax", "cumpt"}) {
      JsonNode metrics = json.get(rule);
      Stream.of("accuracy", "macro_f1", "qwk", "good_f1")
          .forEach(name -> assertTrue(metrics.get(name).isNumber(), name));
      assertTrue(metrics.get("per_class_f1").get("2").isNumber());
      JsonNode bounds = evaluation.intervalsJson().get(rule).get("macro_f1");
      double value = metrics.get("macro_f1").asDouble();
      assertTrue(bounds.get(0).asDouble() <= value && value <= bounds.get(1).asDouble());
    }
    ConfusionMatrix tiers = Evaluation.tiers(Labels.DIGITS, evaluation.argmax());
    assertEquals(90, tiers.total());
    assertEquals(tiers.f1(0), Evaluation.goodF1(Labels.DIGITS, evaluation.argmax()));
    List<Label> three = Labels.DIGITS.subList(0, 3);
    assertThrows(
        IllegalArgumentException.class, () -> Evaluation.of(three, pairs, .5, Bootstrap.DEFAULT));
  }

  @Test
  void plotsAreSvg() throws Exception {
    List<Scored> pairs = random(30, 3);
    Calibration calibration = Calibration.of(pairs, Calibration.BINS);
    Document reliability = parse(Plots.reliability(calibration));
    assertEquals(
        calibration.bins().size() + 1, // and the background
        reliability.getElementsByTagName("rect").getLength());
    assertArrayEquals(
        new int[] {calibration.bins().size()},
        new int[] {
          reliability
              .getElementsByTagName("polyline")
              .item(0)
              .getAttributes()
              .getNamedItem("points")
              .getNodeValue()
              .split(" ")
              .length
        });
    ThresholdSweep sweep = ThresholdSweep.of(pairs, 4);
    Document threshold = parse(Plots.threshold(sweep, sweep.threshold(), .4));
    assertEquals(1, threshold.getElementsByTagName("polyline").getLength());
  }

  private static Document parse(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void badPairsAreNamed() {
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> new Scored("p7", "q", 4, new double[] {.5, .5}))
            .getMessage();
    assertEquals("pair p7: expected a label from 0 to 1, found 4", message);
    assertThrows(
        IllegalArgumentException.class, () -> new Scored("p", "q", 0, new double[] {.5, .4}));
  }
}
