package dev.gavel.training.comparison;

import dev.gavel.relevance.Label;
import dev.gavel.relevance.Tier;
import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.evaluation.Rates;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;

/**
 * Both models' pages, one of each query, as a judge sees them.
 *
 * @param judge who says what an item is worth
 * @param length items of a page
 * @param cut queries that have more items than a page; only these can differ in their Goodrates
 * @param rows NDCG, Query Goodrate (share of pages that are Good or Mid) and Item Goodrate (mean
 *     share of Good items)
 * @param contests query by query: by NDCG, by the page's tier, by the share of Good items
 */
public record PageTable(
    String judge, int length, int cut, List<Versus> rows, List<SideBySide> contests) {
  /** NDCG that differs by less is the same. */
  private static final double NDCG_SAME = 1e-9;

  public PageTable {
    rows = List.copyOf(rows);
    contests = List.copyOf(contests);
  }

  private record Contest(Page base, Page model) {}

  /**
   * Ranks every query by both models.
   *
   * @param judged from a pair to the index of the label that the judge gives it
   */
  static PageTable of(
      List<Label> labels,
      List<List<Pair>> pages,
      String judge,
      ToIntFunction<Pair> judged,
      int length,
      Bootstrap bootstrap) {
    List<Contest> contests = new ArrayList<>();
    for (List<Pair> page : pages) {
      int[] grades = page.stream().mapToInt(judged).toArray();
      contests.add(
          new Contest(
              Page.of(labels, verdicts(page, each -> each.base().probabilities()), grades, length),
              Page.of(
                  labels, verdicts(page, each -> each.model().probabilities()), grades, length)));
    }
    int cut = (int) pages.stream().filter(page -> page.size() > length).count();
    return new PageTable(
        judge, length, cut, rows(contests, bootstrap), outcomes(contests, bootstrap));
  }

  private static List<double[]> verdicts(List<Pair> page, Function<Pair, double[]> model) {
    return page.stream().map(model).toList();
  }

  private static List<Versus> rows(List<Contest> contests, Bootstrap bootstrap) {
    Bootstrap.Interval[] intervals =
        bootstrap.intervals(
            contests.size(),
            drawn ->
                MetricTable.both(
                    means(contests, drawn, Contest::base), means(contests, drawn, Contest::model)));
    return MetricTable.rows(List.of("NDCG", "Query Goodrate", "Item Goodrate"), intervals);
  }

  private static double[] means(List<Contest> contests, int[] drawn, Function<Contest, Page> side) {
    List<Page> pages = Arrays.stream(drawn).mapToObj(contests::get).map(side).toList();
    return new double[] {
      mean(pages, Page::ndcg),
      Rates.queryGoodrate(pages.stream().map(Page::tier).toList()),
      mean(pages, Page::goodShare)
    };
  }

  private static double mean(List<Page> pages, ToDoubleFunction<Page> value) {
    return pages.stream().mapToDouble(value).average().orElse(Double.NaN);
  }

  private static List<SideBySide> outcomes(List<Contest> contests, Bootstrap bootstrap) {
    List<List<Contest>> single = contests.stream().map(List::of).toList();
    return List.of(
        SideBySide.of("NDCG of the page", single, PageTable::byNdcg, bootstrap),
        SideBySide.of(
            "tier of the page",
            single,
            each -> Integer.compare(rank(each.model()), rank(each.base())),
            bootstrap),
        SideBySide.of(
            "Good items of the page",
            single,
            each -> Double.compare(each.model().goodShare(), each.base().goodShare()),
            bootstrap));
  }

  private static int byNdcg(Contest contest) {
    double difference = contest.model().ndcg() - contest.base().ndcg();
    return Math.abs(difference) < NDCG_SAME ? 0 : (int) Math.signum(difference);
  }

  private static int rank(Page page) {
    return Tier.values().length - page.tier().ordinal();
  }
}
