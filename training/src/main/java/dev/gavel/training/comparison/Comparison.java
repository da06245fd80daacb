package dev.gavel.training.comparison;

import dev.gavel.relevance.Label;
import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.evaluation.Decision;
import dev.gavel.training.evaluation.Scored;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToIntFunction;

/**
 * A model beside the one that it would replace.
 *
 * @param labels best grade first
 * @param metrics by argmax, and as served
 * @param verdicts pair by pair, as served: whose label, and whose tier, is nearer to the judged one
 * @param pages as people judged the items, then as the judge model does where there is one
 * @param judgeAccuracy how often the judge model's label is the people's; empty without one
 * @param changes of the labels as served
 */
public record Comparison(
    List<Label> labels,
    int pairs,
    int queries,
    List<MetricTable> metrics,
    List<SideBySide> verdicts,
    List<PageTable> pages,
    Optional<Double> judgeAccuracy,
    Changes changes) {

  /**
   * How to compare.
   *
   * @param pageLength items of a page
   * @param listed regressions and gains to show
   */
  public record Settings(int pageLength, int listed, Bootstrap bootstrap) {
    /** Pages of 5, 20 pairs. */
    public static final Settings DEFAULT = new Settings(5, 20, Bootstrap.DEFAULT);

    public Settings {
      if (pageLength < 1 || listed < 0) {
        throw new IllegalArgumentException(
            "comparison: expected a page length above 0 and a list of 0 and more, found "
                + pageLength
                + " and "
                + listed);
      }
    }
  }

  public Comparison {
    labels = List.copyOf(labels);
    metrics = List.copyOf(metrics);
    verdicts = List.copyOf(verdicts);
    pages = List.copyOf(pages);
  }

  /**
   * Compares.
   *
   * @param served each model at its own threshold
   * @param judge a third model's verdicts on the same pairs, by id
   */
  public static Comparison of(
      List<Label> labels,
      List<Pair> pairs,
      Rules served,
      Optional<Map<String, Scored>> judge,
      Settings settings) {
    List<List<Pair>> byQuery = byQuery(pairs);
    Bootstrap bootstrap = settings.bootstrap();
    List<PageTable> pages = new ArrayList<>();
    pages.add(pages(labels, byQuery, "people", Pair::truth, settings));
    judge.ifPresent(
        verdicts ->
            pages.add(
                pages(
                    labels,
                    byQuery,
                    "judge model",
                    pair -> Decision.ARGMAX.label(verdicts.get(pair.id()).probabilities()),
                    settings)));
    return new Comparison(
        labels,
        pairs.size(),
        byQuery.size(),
        List.of(
            MetricTable.of(labels, byQuery, Rules.ARGMAX, bootstrap),
            MetricTable.of(labels, byQuery, served, bootstrap)),
        List.of(
            nearer("label", byQuery, served, label -> label, bootstrap),
            nearer("tier", byQuery, served, i -> labels.get(i).tier().ordinal(), bootstrap)),
        pages,
        judge.map(Comparison::accuracy),
        Changes.of(pairs, served, labels.size(), settings.listed()));
  }

  private static List<List<Pair>> byQuery(List<Pair> pairs) {
    Map<String, List<Pair>> out = new LinkedHashMap<>();
    for (Pair pair : pairs) {
      out.computeIfAbsent(pair.query(), query -> new ArrayList<>()).add(pair);
    }
    return List.copyOf(out.values());
  }

  /** Whose verdict is nearer to the judged one, in steps of {@code place}. */
  private static SideBySide nearer(
      String name,
      List<List<Pair>> pages,
      Rules served,
      ToIntFunction<Integer> place,
      Bootstrap bootstrap) {
    return SideBySide.of(
        name,
        pages,
        pair -> {
          int truth = place.applyAsInt(pair.truth());
          int base = Math.abs(place.applyAsInt(served.base(pair)) - truth);
          return base - Math.abs(place.applyAsInt(served.model(pair)) - truth);
        },
        bootstrap);
  }

  private static PageTable pages(
      List<Label> labels,
      List<List<Pair>> byQuery,
      String judge,
      ToIntFunction<Pair> judged,
      Settings settings) {
    return PageTable.of(
        labels, byQuery, judge, judged, settings.pageLength(), settings.bootstrap());
  }

  private static double accuracy(Map<String, Scored> verdicts) {
    return verdicts.values().stream()
        .mapToInt(each -> Decision.ARGMAX.label(each.probabilities()) == each.truth() ? 1 : 0)
        .average()
        .orElse(Double.NaN);
  }
}
