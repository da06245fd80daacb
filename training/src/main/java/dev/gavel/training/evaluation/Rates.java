package dev.gavel.training.evaluation;

import dev.gavel.relevance.Tier;
import java.util.List;

/** Rates that the paper reports beside the classification metrics. */
public final class Rates {
  private Rates() {}

  /**
   * pass@k: the probability that at least one of k samples is right, estimated without bias from n
   * samples of which c are right, 1 - C(n-c, k) / C(n, k) (Chen et al., arXiv 2107.03374).
   */
  public static double passAt(int k, int n, int c) {
    if (k < 1 || k > n || c < 0 || c > n) {
      throw new IllegalArgumentException(
          "pass@k: expected 1 <= k <= n and 0 <= c <= n, found k=" + k + " n=" + n + " c=" + c);
    }
    double allWrong = 1;
    for (int i = 0; i < k; i++) {
      allWrong *= Math.max(0, n - c - i) / (double) (n - i);
    }
    return 1 - allWrong;
  }

  /**
   * Mean pass@k over examples.
   *
   * @param samples per example and sample: was it right; at least k each
   */
  public static double passAt(int k, List<boolean[]> samples) {
    double sum = 0;
    for (boolean[] own : samples) {
      int right = 0;
      for (boolean each : own) {
        right += each ? 1 : 0;
      }
      sum += passAt(k, own.length, right);
    }
    return sum / samples.size();
  }

  /** Good-same-bad of a side-by-side comparison: (wins - losses) / all. */
  public static double gsb(long wins, long same, long losses) {
    return (wins - losses) / (double) (wins + same + losses);
  }

  /** Query Goodrate: share of queries whose page is Good or Mid. */
  public static double queryGoodrate(List<Tier> pages) {
    return pages.stream().filter(page -> page != Tier.BAD).count() / (double) pages.size();
  }

  /**
   * Item Goodrate: the share of a page's items that are Good, meaned over the pages, each of which
   * has items.
   */
  public static double itemGoodrate(List<List<Tier>> pages) {
    return pages.stream()
        .mapToDouble(
            items ->
                items.stream().filter(item -> item == Tier.GOOD).count() / (double) items.size())
        .average()
        .orElse(Double.NaN);
  }
}
