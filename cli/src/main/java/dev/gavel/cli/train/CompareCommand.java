package dev.gavel.cli.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.cli.Action;
import dev.gavel.cli.CliException;
import dev.gavel.cli.EngineFlags;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.json.JsonView;
import dev.gavel.cli.terminal.Cell;
import dev.gavel.cli.terminal.Style;
import dev.gavel.cli.terminal.Table;
import dev.gavel.training.comparison.Changes;
import dev.gavel.training.comparison.Comparison;
import dev.gavel.training.comparison.ComparisonJson;
import dev.gavel.training.comparison.MetricTable;
import dev.gavel.training.comparison.PageTable;
import dev.gavel.training.comparison.SideBySide;
import dev.gavel.training.comparison.Versus;
import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.stage.CompareStage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel compare}. */
@Command(
    name = "compare",
    description = "Put two models side by side on judged pairs, and say what changed.")
public final class CompareCommand extends Action {
  private static final int NAME = 0;

  @Option(names = "--base", required = true, paramLabel = "DIR", description = "The old model.")
  private Path base;

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "The new model.")
  private Path model;

  @Option(
      names = "--judge",
      paramLabel = "DIR",
      description = "A third model whose labels judge the pages too.")
  private Path judge;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "Judged pairs with grades, one JSON object a line; .gz is fine.")
  private Path data;

  @Option(names = "--page", paramLabel = "K", description = "Items of a page; default 5.")
  private int page = Comparison.Settings.DEFAULT.pageLength();

  @Option(
      names = "--list",
      paramLabel = "N",
      description = "Regressions and gains in the report; default 20.")
  private int listed = Comparison.Settings.DEFAULT.listed();

  @Option(
      names = "--report",
      paramLabel = "DIR",
      description = "Write report.md and report.json there.")
  private Path report;

  @ArgGroup(exclusive = false)
  private EngineFlags engine = new EngineFlags();

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    CompareStage.Result result;
    try {
      CompareStage stage =
          new CompareStage(
              new CompareStage.Models(base, model, Optional.ofNullable(judge)),
              engine.options(this),
              settings());
      result = stage.run(data, this::progress);
    } catch (IllegalArgumentException e) {
      throw new CliException(ExitCode.DATA, e.getMessage(), e);
    }
    if (report != null) {
      result.report().write(report);
    }
    if (json) {
      ObjectNode names = JsonNodeFactory.instance.objectNode();
      names.put("base", result.base()).put("model", result.model());
      terminal().out().println(JsonView.line(names.setAll(ComparisonJson.of(result.comparison()))));
    } else {
      print(result);
    }
    return ExitCode.OK;
  }

  private Comparison.Settings settings() {
    try {
      return new Comparison.Settings(page, listed, Bootstrap.DEFAULT);
    } catch (IllegalArgumentException e) {
      throw usage("--page and --list: " + e.getMessage());
    }
  }

  private void progress(Path directory, int done, int total) {
    if (terminal().interactive()) {
      PrintStream err = terminal().err();
      String line = directory.getFileName() + ": " + done + " of " + total + " pairs";
      err.print("\r\u001b[K" + (done < total ? line : ""));
      err.flush();
    }
  }

  private void print(CompareStage.Result result) {
    Comparison comparison = result.comparison();
    line("base:  %s%nmodel: %s", result.base(), result.model());
    line("%d pairs of %d queries", comparison.pairs(), comparison.queries());
    for (MetricTable table : comparison.metrics()) {
      versus(table.rules().name(), table.rows());
    }
    contests("nearer verdict by", comparison.verdicts());
    for (PageTable table : comparison.pages()) {
      line("%npages of %d, judged by: %s", table.length(), table.judge());
      versus("page", table.rows());
      contests("better page by", table.contests());
    }
    changes(comparison);
  }

  private void versus(String name, List<Versus> rows) {
    terminal().out().println();
    Table table = new Table(NAME, name, "base", "model", "difference", "");
    for (Versus row : rows) {
      table.row(
          Cell.of(row.name()),
          Cell.of(number("%.3f", row.base().value())),
          Cell.of(number("%.3f", row.model().value())),
          row.isClear()
              ? Cell.of(number("%+.3f", row.difference().value()), Style.BOLD)
              : Cell.of(number("%+.3f", row.difference().value())),
          Cell.of(bounds(row.difference()), Style.DIM));
    }
    table.print(terminal());
  }

  private void contests(String name, List<SideBySide> contests) {
    terminal().out().println();
    Table table = new Table(NAME, name, "wins", "same", "losses", "GSB", "");
    for (SideBySide each : contests) {
      table.row(
          Cell.of(each.name()),
          Cell.of(Long.toString(each.wins())),
          Cell.of(Long.toString(each.same())),
          Cell.of(Long.toString(each.losses())),
          Cell.of(number("%+.3f", each.gsb().value()), Style.BOLD),
          Cell.of(bounds(each.gsb()), Style.DIM));
    }
    table.print(terminal());
  }

  private void changes(Comparison comparison) {
    Changes changes = comparison.changes();
    line(
        "%n%d labels changed: %d nearer to the judged one, %d farther",
        changes.changed().size(), changes.better(), changes.worse());
    if (changes.regressions().isEmpty()) {
      return;
    }
    line("%nworst regressions, by the probability of the judged label");
    Table table = new Table(1, "query", "title", "judged", "base", "model", "probability");
    for (Changes.Change each : changes.regressions().stream().limit(5).toList()) {
      int truth = each.pair().truth();
      table.row(
          Cell.of(each.pair().query()),
          Cell.of(each.pair().title()),
          Cell.of(comparison.labels().get(truth).name()),
          Cell.of(comparison.labels().get(each.base()).name()),
          Cell.of(comparison.labels().get(each.model()).name()),
          Cell.of(
              number("%.3f", each.pair().base().probabilities()[truth])
                  + " to "
                  + number("%.3f", each.pair().model().probabilities()[truth])));
    }
    table.print(terminal());
  }

  private void line(String format, Object... values) {
    terminal().out().printf(Locale.ROOT, format + "%n", values);
  }

  private static String bounds(Bootstrap.Interval interval) {
    return number("%+.3f", interval.low()) + " to " + number("%+.3f", interval.high());
  }

  private static String number(String format, double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "none";
  }
}
