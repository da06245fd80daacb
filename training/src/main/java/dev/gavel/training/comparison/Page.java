package dev.gavel.training.comparison;

import dev.gavel.relevance.Label;
import dev.gavel.relevance.Tier;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The first items of a query, as a ranking by a model's expected grade shows them, seen by a judge.
 *
 * @param ndcg of the ranking, cut off at the page's end; 1 where no item is worth anything, as no
 *     order is better than another then
 * @param tier the best that at least half of the items reach
 * @param goodShare share of the items whose tier is Good
 */
record Page(double ndcg, Tier tier, double goodShare) {
  /**
   * Ranks and cuts.
   *
   * @param verdicts [items][labels] probabilities by which the items are ranked; ties keep their
   *     order
   * @param judged index of each item's label, by the judge
   * @param length of the page
   */
  static Page of(List<Label> labels, List<double[]> verdicts, int[] judged, int length) {
    List<Integer> order = new ArrayList<>();
    IntStream.range(0, judged.length).forEach(order::add);
    order.sort(Comparator.comparingDouble(i -> -expectedGrade(labels, verdicts.get(i))));
    int[] shown = order.stream().limit(length).mapToInt(i -> judged[i]).toArray();
    double[] gains = new double[labels.size()];
    for (int i = 0; i < gains.length; i++) {
      gains[i] = Math.pow(2, labels.get(i).grade() - labels.get(gains.length - 1).grade()) - 1;
    }
    int[] ideal = IntStream.of(judged).sorted().limit(length).toArray(); // best grade first
    double best = discounted(gains, ideal);
    double[] tiers = new double[Tier.values().length];
    for (int label : shown) {
      tiers[labels.get(label).tier().ordinal()] += 1.0 / shown.length;
    }
    return new Page(
        best == 0 ? 1 : discounted(gains, shown) / best, median(tiers), tiers[Tier.GOOD.ordinal()]);
  }

  private static double expectedGrade(List<Label> labels, double[] probabilities) {
    return IntStream.range(0, probabilities.length)
        .mapToDouble(i -> probabilities[i] * labels.get(i).grade())
        .sum();
  }

  /** Discounted cumulative gain (Jarvelin and Kekalainen, TOIS 2002), base-2 logarithm. */
  private static double discounted(double[] gains, int[] labels) {
    return IntStream.range(0, labels.length)
        .mapToDouble(i -> gains[labels[i]] * Math.log(2) / Math.log(i + 2))
        .sum();
  }

  private static Tier median(double[] shares) {
    double sum = 0;
    for (Tier tier : Tier.values()) {
      sum += shares[tier.ordinal()];
      if (sum >= .5 - 1e-9) {
        return tier;
      }
    }
    return Tier.BAD;
  }
}
