package dev.gavel.relevance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class LabelDistributionTest {
  private static final List<Label> LABELS =
      List.of(
          new Label("4-Excellent", 4, List.of("4"), Tier.GOOD),
          new Label("3-Related", 3, List.of("3"), Tier.GOOD),
          new Label("2-Mismatch", 2, List.of("2"), Tier.MID),
          new Label("1-Irrelevant", 1, List.of("1"), Tier.BAD));
  private static final List<Tier> TIERS = LABELS.stream().map(Label::tier).toList();

  @Provide
  Arbitrary<double[]> logits() {
    Arbitrary<Double> logit =
        Arbitraries.oneOf(
            Arbitraries.doubles().between(-10, 10),
            Arbitraries.doubles().between(-1e6, 1e6),
            Arbitraries.of(0.0, -0.0, 1e300, -1e300, Double.NEGATIVE_INFINITY, Double.MIN_VALUE));
    return logit
        .array(double[].class)
        .ofSize(4)
        .filter(a -> java.util.Arrays.stream(a).anyMatch(v -> v > Double.NEGATIVE_INFINITY));
  }

  @Provide
  Arbitrary<Double> thresholds() {
    return Arbitraries.oneOf(
        Arbitraries.doubles().between(1e-6, 1).ofScale(9),
        Arbitraries.of(0.5, 1.0, Double.MIN_VALUE));
  }

  @Property
  void probabilitiesSumToOne(@ForAll("logits") double[] logits) {
    LabelDistribution distribution = LabelDistribution.of(LABELS, logits);
    double sum = 0;
    for (int i = 0; i < 4; i++) {
      assertTrue(distribution.probability(i) >= 0 && distribution.probability(i) <= 1 + 1e-15);
      sum += distribution.probability(i);
    }
    // Four quotients by their own sum, each rounded once, and three sums.
    assertEquals(1, sum, 8 * Math.ulp(1.0));
    assertTrue(
        distribution.expectedGrade() >= 1 - 1e-9 && distribution.expectedGrade() <= 4 + 1e-9);
  }

  @Property
  void shiftingAllLogitsChangesNothing(
      @ForAll @Size(4) List<@DoubleRange(min = -20, max = 20) Double> logits,
      @ForAll @DoubleRange(min = -100, max = 100) double shift) {
    double[] plain = logits.stream().mapToDouble(Double::doubleValue).toArray();
    double[] shifted = logits.stream().mapToDouble(l -> l + shift).toArray();
    LabelDistribution a = LabelDistribution.of(LABELS, plain);
    LabelDistribution b = LabelDistribution.of(LABELS, shifted);
    for (int i = 0; i < 4; i++) {
      assertEquals(a.probability(i), b.probability(i), 1e-12);
    }
  }

  /** CumPT as the paper writes it, for four grades. */
  private static Tier paper(double[] p, double b) {
    if (p[0] >= b) {
      return Tier.GOOD;
    } else if (p[0] + p[1] >= b) {
      return Tier.GOOD;
    } else if (p[0] + p[1] + p[2] >= b) {
      return Tier.MID;
    }
    return Tier.BAD;
  }

  @Property
  void tierIsThePapers(@ForAll("logits") double[] logits, @ForAll("thresholds") double b) {
    LabelDistribution distribution = LabelDistribution.of(LABELS, logits);
    double[] p = new double[4];
    for (int i = 0; i < 4; i++) {
      p[i] = distribution.probability(i);
    }
    assertSame(paper(p, b), new TierRule(b, TIERS).tier(distribution));
  }

  @Property
  void movingMassUpNeverWorsensTheTier(
      @ForAll @Size(4) List<@DoubleRange(min = 0, max = 1) Double> weights,
      @ForAll @IntRange(min = 0, max = 3) int from,
      @ForAll @IntRange(min = 0, max = 3) int to,
      @ForAll @DoubleRange(min = 0, max = 1) double share,
      @ForAll("thresholds") double b) {
    double total = weights.stream().mapToDouble(Double::doubleValue).sum();
    if (to >= from || total < 1e-3) {
      return;
    }
    double[] p = weights.stream().mapToDouble(w -> w / total).toArray();
    double[] moved = p.clone();
    moved[from] -= share * p[from];
    moved[to] += share * p[from];
    TierRule rule = new TierRule(b, TIERS);
    LabelDistribution before = LabelDistribution.of(LABELS, logs(p));
    LabelDistribution after = LabelDistribution.of(LABELS, logs(moved));
    // Rounding may take back up to 1e-15 of a sum that lies on the threshold.
    TierRule within = new TierRule(Math.max(Double.MIN_VALUE, b - 1e-12), TIERS);
    assertTrue(within.tier(after).compareTo(rule.tier(before)) <= 0);
    assertTrue(after.expectedGrade() >= before.expectedGrade() - 1e-9);
  }

  private static double[] logs(double[] p) {
    return java.util.Arrays.stream(p).map(Math::log).toArray();
  }

  @Property
  void aHigherThresholdNeverImprovesTheTier(
      @ForAll("logits") double[] logits,
      @ForAll("thresholds") double a,
      @ForAll("thresholds") double b) {
    LabelDistribution distribution = LabelDistribution.of(LABELS, logits);
    Tier low = new TierRule(Math.min(a, b), TIERS).tier(distribution);
    Tier high = new TierRule(Math.max(a, b), TIERS).tier(distribution);
    assertTrue(low.compareTo(high) <= 0);
  }

  @Property
  void halfIsTheOrdinalMedian(
      @ForAll @Size(4) List<@DoubleRange(min = -5, max = 5) Double> logits) {
    LabelDistribution distribution =
        LabelDistribution.of(LABELS, logits.stream().mapToDouble(Double::doubleValue).toArray());
    double cumulative = 0;
    int median = 0;
    while (median < 3 && (cumulative += distribution.probability(median)) < 0.5) {
      median++;
    }
    assertSame(TIERS.get(median), new TierRule(0.5, TIERS).tier(distribution));
  }

  @Property
  void meanOfPathsIsTheMeanOfProbabilities(
      @ForAll @Size(min = 1, max = 16)
          List<@Size(4) List<@DoubleRange(min = -50, max = 50) Double>> paths) {
    List<LabelDistribution> distributions = new ArrayList<>();
    for (List<Double> path : paths) {
      distributions.add(
          LabelDistribution.of(LABELS, path.stream().mapToDouble(Double::doubleValue).toArray()));
    }
    LabelDistribution mean = LabelDistribution.mean(distributions);
    for (int i = 0; i < 4; i++) {
      int label = i;
      double expected =
          distributions.stream().mapToDouble(d -> d.probability(label)).average().orElseThrow();
      assertEquals(expected, mean.probability(i), 1e-12);
    }
  }

  @Example
  void tiesGoToTheBetterGrade() {
    LabelDistribution even = LabelDistribution.of(LABELS, 1, 1, 1, 1);
    assertEquals(0, even.best());
    assertEquals(2.5, even.expectedGrade(), 1e-15);
    assertEquals(2, LabelDistribution.of(LABELS, 0, 1, 3, 3).best());
    // 0.25 + 0.25 reaches one half exactly.
    assertSame(Tier.GOOD, new TierRule(0.5, TIERS).tier(even));
  }

  @Example
  void thresholdOneNeedsAllTheMass() {
    TierRule all = new TierRule(1, TIERS);
    double none = Double.NEGATIVE_INFINITY;
    assertSame(Tier.GOOD, all.tier(LabelDistribution.of(LABELS, 0, none, none, none)));
    assertSame(Tier.BAD, all.tier(LabelDistribution.of(LABELS, 0, 0, 0, 0)));
    assertSame(Tier.BAD, all.tier(LabelDistribution.of(LABELS, 0, 0, 0, -30)));
  }

  @Example
  void smallProbabilitiesSurviveAsLogarithms() {
    LabelDistribution extreme = LabelDistribution.of(LABELS, 0, -2000, -1e6, -1e300);
    assertEquals(0.0, extreme.probability(1));
    assertEquals(-2000, extreme.logProbability(1), 1e-9);
    assertEquals(-1e300, extreme.logProbability(3), 1e285);
    assertSame(Tier.GOOD, new TierRule(1, TIERS).tier(extreme));
  }

  @Example
  void whatCannotBeIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> LabelDistribution.of(LABELS, 1, 2, 3));
    assertThrows(
        IllegalArgumentException.class, () -> LabelDistribution.of(LABELS, 1, 2, 3, Double.NaN));
    double none = Double.NEGATIVE_INFINITY;
    assertThrows(
        IllegalArgumentException.class, () -> LabelDistribution.of(LABELS, none, none, none, none));
    assertThrows(IllegalArgumentException.class, () -> LabelDistribution.mean(List.of()));
    for (double threshold : new double[] {0, -1, 1.0001, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> new TierRule(threshold, TIERS));
    }
    assertThrows(
        IllegalArgumentException.class, () -> new TierRule(0.5, List.of(Tier.MID, Tier.GOOD)));
    assertThrows(IllegalArgumentException.class, () -> new TierRule(0.5, List.of()));
  }
}
