package dev.gavel.training.comparison;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.Tier;
import dev.gavel.training.Labels;
import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.evaluation.ConfusionMatrix;
import dev.gavel.training.evaluation.Decision;
import dev.gavel.training.evaluation.Evaluation;
import dev.gavel.training.evaluation.Scored;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final Bootstrap BOOTSTRAP = new Bootstrap(200, .95, 1);
  private static final Comparison.Settings SETTINGS = new Comparison.Settings(2, 3, BOOTSTRAP);
  private static final Rules SERVED = Rules.served(.5, .6);

  /** A verdict that is sure of one label. */
  private static double[] sure(int label) {
    double[] out = {.02, .02, .02, .02};
    out[label] = .94;
    return out;
  }

  private static Pair pair(String id, String query, int truth, double[] base, double[] model) {
    return new Pair(
        new Scored(id, query, truth, base), new Scored(id, query, truth, model), "item " + id);
  }

  /** Two queries; by label: a better, b same, c worse, d better, e worse but of the same tier. */
  private static List<Pair> five() {
    return List.of(
        pair("a", "x", 0, sure(3), sure(0)),
        pair("b", "x", 3, sure(3), sure(3)),
        pair("c", "x", 2, sure(2), sure(0)),
        pair("d", "y", 1, sure(2), sure(1)),
        pair("e", "y", 0, sure(0), sure(1)));
  }

  private static List<Pair> random(int queries, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Pair> out = new ArrayList<>();
    for (int query = 0; query < queries; query++) {
      int items = 1 + random.nextInt(6);
      for (int item = 0; item < items; item++) {
        String id = query + "-" + item;
        out.add(pair(id, "q" + query, random.nextInt(4), noise(random), noise(random)));
      }
    }
    return out;
  }

  private static double[] noise(SplittableRandom random) {
    double[] out = random.doubles(4, .01, 1).toArray();
    double sum = Arrays.stream(out).sum();
    return Arrays.stream(out).map(each -> each / sum).toArray();
  }

  private static Comparison compare(List<Pair> pairs) {
    return Comparison.of(Labels.DIGITS, pairs, SERVED, Optional.empty(), SETTINGS);
  }

  @Test
  void verdictsAreCountedByLabelAndByTier() {
    List<SideBySide> verdicts = compare(five()).verdicts();
    SideBySide labels = verdicts.get(0);
    assertArrayEquals(
        new long[] {2, 1, 2}, new long[] {labels.wins(), labels.same(), labels.losses()});
    assertEquals(0, labels.gsb().value());
    // By tier e is the same: both say Good.
    SideBySide tiers = verdicts.get(1);
    assertArrayEquals(
        new long[] {2, 2, 1}, new long[] {tiers.wins(), tiers.same(), tiers.losses()});
    assertEquals(.2, tiers.gsb().value(), 1e-15);
    // Query x: 1 - 1 of 3; y: 1 - 0 of 2. Both draws of y give the upper end.
    assertEquals(.5, tiers.gsb().high(), 1e-15);
    assertEquals(0, tiers.gsb().low(), 1e-15);
  }

  @Test
  void pagesAreRankedByExpectedGrade() {
    PageTable pages = compare(five()).pages().get(0);
    assertEquals("people", pages.judge());
    assertEquals(1, pages.cut());
    // Gains 7, 3, 1, 0. Query x by base: c (2), then a and b tie and keep their order: c a. The
    // model: a and c tie as 4: a c. The best order is a c. Query y: base e d, model d and e tie.
    double second = 1 / (Math.log(3) / Math.log(2));
    double best = 7 + second;
    double baseX = (1 + 7 * second) / best;
    double modelY = (3 + 7 * second) / (7 + 3 * second);
    Versus ndcg = pages.rows().get(0);
    assertEquals((baseX + 1) / 2, ndcg.base().value(), 1e-12);
    assertEquals((1 + modelY) / 2, ndcg.model().value(), 1e-12);
    assertEquals(ndcg.model().value() - ndcg.base().value(), ndcg.difference().value(), 1e-12);
    // Half of a page of a and c is Good: the page is. All of y is.
    assertEquals(1, pages.rows().get(1).base().value());
    assertEquals(.75, pages.rows().get(2).model().value(), 1e-12);
    SideBySide contest = pages.contests().get(0);
    assertEquals(1, contest.wins());
    assertEquals(1, contest.losses());
    assertEquals(2, pages.contests().get(1).same());
  }

  @Test
  void pageTiersAreMedians() {
    assertEquals(Tier.MID, page(2, 2, 3).tier());
    assertEquals(Tier.MID, page(0, 2, 3).tier());
    assertEquals(Tier.BAD, page(0, 3, 3).tier());
    assertEquals(Tier.GOOD, page(0, 3).tier());
    assertEquals(1, page(3, 3, 3).ndcg());
    assertEquals(1.0 / 3, page(0, 3, 3).goodShare(), 1e-15);
  }

  /** Judged labels in the order in which they are shown. */
  private static Page page(int... judged) {
    List<double[]> verdicts = new ArrayList<>();
    for (int i = 0; i < judged.length; i++) {
      verdicts.add(new double[] {.5 - .01 * i, .1, .1, .3 + .01 * i});
    }
    return Page.of(Labels.DIGITS, verdicts, judged, judged.length);
  }

  @Test
  void changesNameWhatWasLost() {
    Changes changes = compare(five()).changes();
    assertArrayEquals(new long[] {0, 1, 0, 0}, changes.counts()[0]);
    assertArrayEquals(new long[] {1, 1, 0, 0}, changes.counts()[2]);
    assertArrayEquals(new long[] {1, 0, 0, 1}, changes.counts()[3]);
    assertEquals(4, changes.changed().size());
    assertEquals(2, changes.better());
    assertEquals(2, changes.worse());
    assertEquals(List.of("c", "e"), ids(changes.regressions()));
    assertEquals(List.of("a", "d"), ids(changes.gains()));
    assertEquals(.92, changes.regressions().get(0).pair().loss(), 1e-12);
  }

  private static List<String> ids(List<Changes.Change> changes) {
    return changes.stream().map(each -> each.pair().id()).toList();
  }

  @Test
  void metricsAreThoseOfEachModelAlone() {
    List<Pair> pairs = random(23, 6);
    Comparison comparison = compare(pairs);
    Decision[] rules = {Decision.ARGMAX, Decision.cumulative(.5), Decision.cumulative(.6)};
    for (int rule = 0; rule < 2; rule++) {
      List<Versus> rows = comparison.metrics().get(rule).rows();
      List<Scored> base = pairs.stream().map(Pair::base).toList();
      List<Scored> model = pairs.stream().map(Pair::model).toList();
      ConfusionMatrix left = ConfusionMatrix.of(base, 4, rules[rule]);
      ConfusionMatrix right = ConfusionMatrix.of(model, 4, rules[2 * rule]);
      assertEquals(left.macroF1(), rows.get(0).base().value(), 1e-15);
      assertEquals(right.macroF1(), rows.get(0).model().value(), 1e-15);
      assertEquals(left.quadraticWeightedKappa(), rows.get(1).base().value(), 1e-15);
      assertEquals(right.accuracy(), rows.get(2).model().value(), 1e-15);
      assertEquals(Evaluation.goodF1(Labels.DIGITS, left), rows.get(3).base().value(), 1e-15);
      assertEquals(right.f1(2), rows.get(6).model().value(), 1e-15);
      // The same draws as a bootstrap of one model.
      Decision decision = rules[rule];
      Bootstrap.Interval alone =
          BOOTSTRAP.interval(base, sample -> ConfusionMatrix.of(sample, 4, decision).accuracy());
      assertEquals(alone, rows.get(2).base());
    }
  }

  @Test
  void aModelBesideItselfIsTheSame() {
    List<Pair> pairs =
        random(11, 7).stream().map(each -> new Pair(each.base(), each.base(), "")).toList();
    Comparison comparison =
        Comparison.of(Labels.DIGITS, pairs, Rules.served(.4, .4), Optional.empty(), SETTINGS);
    for (MetricTable table : comparison.metrics()) {
      for (Versus row : table.rows()) {
        // Draws differ from each other, but the two sides of one never do.
        assertEquals(new Bootstrap.Interval(0, 0, 0), row.difference(), row.name());
        assertFalse(row.isClear());
      }
    }
    assertEquals(0, comparison.verdicts().get(0).wins() + comparison.verdicts().get(0).losses());
    assertTrue(comparison.changes().changed().isEmpty());
    assertTrue(comparison.changes().regressions().isEmpty());
  }

  @Test
  void aJudgeModelTakesThePlaceOfThePeople() {
    List<Pair> pairs = random(13, 8);
    Map<String, Scored> judge = new HashMap<>();
    // It repeats what the model says, and so finds the model's ranking without a fault.
    pairs.forEach(
        pair ->
            judge.put(
                pair.id(),
                new Scored(
                    pair.id(),
                    pair.query(),
                    pair.truth(),
                    sure(Decision.ARGMAX.label(pair.model().probabilities())))));
    List<Pair> firm =
        pairs.stream()
            .map(
                each ->
                    pair(
                        each.id(),
                        each.query(),
                        each.truth(),
                        each.base().probabilities(),
                        judge.get(each.id()).probabilities()))
            .toList();
    Comparison comparison =
        Comparison.of(Labels.DIGITS, firm, SERVED, Optional.of(judge), SETTINGS);
    assertEquals(2, comparison.pages().size());
    PageTable pages = comparison.pages().get(1);
    assertEquals(1, pages.rows().get(0).model().value(), 1e-12);
    assertEquals(0, pages.contests().get(0).losses());
    assertEquals(
        comparison.metrics().get(0).rows().get(2).model().value(),
        comparison.judgeAccuracy().orElseThrow(),
        1e-15);
  }

  @Test
  void jsonHoldsAllOfIt() {
    JsonNode json = ComparisonJson.of(compare(five()));
    assertEquals(5, json.get("n").asInt());
    assertEquals(2, json.get("queries").asInt());
    assertEquals(.2, json.at("/gsb/tier/gsb/value").asDouble(), 1e-15);
    assertEquals(.4, json.at("/metrics/argmax/accuracy/base/value").asDouble() - .2, 1e-15);
    assertTrue(json.at("/metrics/cumpt/f1_of_3_related/difference/low").isNumber());
    assertEquals(2, json.at("/pages/0/length").asInt());
    assertEquals("item c", json.at("/changes/regressions/0/title").asText());
    assertEquals("2-Mismatch", json.at("/changes/regressions/0/judged").asText());
    assertEquals(4, json.at("/changes/pairs").size());
    assertFalse(json.has("judge_accuracy"));
  }

  @Test
  void twoPairsAreNone() {
    Scored one = new Scored("1", "q", 0, sure(0));
    Scored other = new Scored("2", "q", 0, sure(0));
    assertEquals(
        "expected two verdicts on one pair, found pairs 1 and 2",
        assertThrows(IllegalArgumentException.class, () -> new Pair(one, other, "")).getMessage());
    assertThrows(IllegalArgumentException.class, () -> new Comparison.Settings(0, 1, BOOTSTRAP));
  }
}
