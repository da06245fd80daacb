package dev.gavel.training.stage;

import dev.gavel.relevance.Label;
import dev.gavel.training.comparison.Changes;
import dev.gavel.training.comparison.Comparison;
import dev.gavel.training.comparison.ComparisonJson;
import dev.gavel.training.comparison.MetricTable;
import dev.gavel.training.comparison.PageTable;
import dev.gavel.training.comparison.Pair;
import dev.gavel.training.comparison.SideBySide;
import dev.gavel.training.comparison.Versus;
import dev.gavel.training.evaluation.Bootstrap;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The report of {@link CompareStage}. */
final class CompareReport {
  private final Comparison comparison;
  private final Report report;

  private CompareReport(CompareStage.Result result) {
    this.comparison = result.comparison();
    this.report = new Report(result.model() + " beside " + result.base());
  }

  static Report of(CompareStage.Result result) {
    CompareReport out = new CompareReport(result);
    out.report.data("comparison", ComparisonJson.of(result.comparison()));
    out.metrics();
    out.verdicts();
    out.comparison.pages().forEach(out::pages);
    out.changes();
    return out.report;
  }

  private void metrics() {
    report.section("Metrics");
    report.text(
        String.format(
            Locale.ROOT,
            "%d pairs of %d queries. In brackets: 95%% intervals of a bootstrap over queries, the"
                + " same draws for both models. A difference whose interval leaves out 0 is in"
                + " bold.",
            comparison.pairs(),
            comparison.queries()));
    for (MetricTable table : comparison.metrics()) {
      versus(table.rules().name(), table.rows());
    }
  }

  private void versus(String name, List<Versus> rows) {
    report.table(
        List.of(name, "base", "model", "difference"),
        rows.stream()
            .map(
                row ->
                    List.of(
                        row.name(),
                        text(row.base()),
                        text(row.model()),
                        row.isClear()
                            ? "**" + signed(row.difference()) + "**"
                            : signed(row.difference())))
            .toList());
  }

  private void verdicts() {
    report.section("Good, same, bad");
    report.text(
        "A pair is a win if the model's served verdict is nearer to the judged grade than the"
            + " base's, counted in labels or in tiers. GSB is (wins - losses) / all.");
    contests(comparison.verdicts());
  }

  private void contests(List<SideBySide> contests) {
    report.table(
        List.of("nearer by", "wins", "same", "losses", "GSB"),
        contests.stream()
            .map(
                each ->
                    List.of(
                        each.name(),
                        Long.toString(each.wins()),
                        Long.toString(each.same()),
                        Long.toString(each.losses()),
                        signed(each.gsb())))
            .toList());
  }

  private void pages(PageTable table) {
    report.section("Pages, as judged by: " + table.judge());
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "A page is the first %d items of a query by a model's expected grade; %d of %d queries"
                + " have more items. A page is Good or Mid if at least half of its items are;"
                + " Query Goodrate is the share of pages that are Good or Mid, Item Goodrate the"
                + " mean share of Good items.",
            table.length(),
            table.cut(),
            comparison.queries()));
    if (comparison.pages().indexOf(table) > 0) {
      comparison
          .judgeAccuracy()
          .ifPresent(
              value ->
                  text.append(
                      String.format(
                          Locale.ROOT,
                          " The judge's label is the people's in %.1f%%.",
                          100 * value)));
    }
    report.text(text.toString());
    versus("page", table.rows());
    contests(table.contests());
  }

  private void changes() {
    Changes changes = comparison.changes();
    report.section("Changed labels");
    report.text(
        String.format(
            Locale.ROOT,
            "%d of %d pairs have another served label: %d nearer to the judged one, %d farther."
                + " Rows are the base's labels, columns the model's; report.json lists all.",
            changes.changed().size(),
            comparison.pairs(),
            changes.better(),
            changes.worse()));
    List<String> header = new ArrayList<>(List.of("base"));
    comparison.labels().forEach(label -> header.add("model " + label.name()));
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < comparison.labels().size(); i++) {
      List<String> row = new ArrayList<>(List.of(name(i)));
      for (long count : changes.counts()[i]) {
        row.add(Long.toString(count));
      }
      rows.add(row);
    }
    report.table(header, rows);
    examples("Worst regressions", changes.regressions());
    examples("Best gains", changes.gains());
  }

  private void examples(String title, List<Changes.Change> changes) {
    report.section(title);
    report.text("By the probability of the judged label.");
    report.table(
        List.of("pair", "query", "title", "judged", "base", "model", "probability"),
        changes.stream().map(this::example).toList());
  }

  private List<String> example(Changes.Change change) {
    Pair pair = change.pair();
    return List.of(
        pair.id(),
        pair.query(),
        pair.title(),
        name(pair.truth()),
        name(change.base()),
        name(change.model()),
        String.format(
            Locale.ROOT,
            "%.3f to %.3f",
            pair.base().probabilities()[pair.truth()],
            pair.model().probabilities()[pair.truth()]));
  }

  private String name(int label) {
    List<Label> labels = comparison.labels();
    return labels.get(label).name();
  }

  private static String text(Bootstrap.Interval interval) {
    return String.format(
        Locale.ROOT, "%.4f [%.4f, %.4f]", interval.value(), interval.low(), interval.high());
  }

  private static String signed(Bootstrap.Interval interval) {
    return String.format(
        Locale.ROOT, "%+.4f [%+.4f, %+.4f]", interval.value(), interval.low(), interval.high());
  }
}
