package dev.gavel.cli.train;

import dev.gavel.cli.Action;
import dev.gavel.cli.CliException;
import dev.gavel.cli.EmbeddedModel;
import dev.gavel.cli.EngineFlags;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.json.JsonView;
import dev.gavel.cli.terminal.Cell;
import dev.gavel.cli.terminal.Style;
import dev.gavel.cli.terminal.Table;
import dev.gavel.relevance.Label;
import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.evaluation.Evaluation;
import dev.gavel.training.evaluation.SampleEvaluation;
import dev.gavel.training.stage.EvaluateStage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel evaluate}. */
@Command(
    name = "evaluate",
    description = "Score judged pairs and say how good the verdicts are, by argmax and by CumPT.")
public final class EvaluateCommand extends Action {
  private static final int METRIC = 0;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Model directory; default: the embedded model.")
  private Path model;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "FILE",
      description = "Judged pairs with grades, one JSON object a line; .gz is fine.")
  private Path data;

  @Option(
      names = "--samples",
      paramLabel = "FILE",
      description = "Responses by gavel train sample: adds pass@k and how often they contradict.")
  private Path samples;

  @Option(
      names = "--report",
      paramLabel = "DIR",
      description = "Write report.md, report.json and plots there.")
  private Path report;

  @ArgGroup(exclusive = false)
  private EngineFlags engine = new EngineFlags();

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Path directory = model != null ? model : EmbeddedModel.require("evaluate");
    EvaluateStage stage =
        new EvaluateStage(directory, engine.options(this), Optional.ofNullable(samples));
    EvaluateStage.Result result;
    try {
      result = stage.run(data, this::progress);
    } catch (IllegalArgumentException e) {
      throw new CliException(ExitCode.DATA, e.getMessage(), e);
    }
    if (report != null) {
      result.report().write(report);
    }
    if (json) {
      terminal().out().println(JsonView.line(result.toJson()));
    } else {
      print(result);
    }
    return ExitCode.OK;
  }

  private void progress(int done, int total) {
    if (terminal().interactive()) {
      PrintStream err = terminal().err();
      err.print(done < total ? "\r\u001b[K" + done + " of " + total + " pairs" : "\r\u001b[K");
      err.flush();
    }
  }

  private void print(EvaluateStage.Result result) {
    Evaluation evaluation = result.evaluation();
    terminal()
        .out()
        .printf(
            Locale.ROOT,
            "%s %s: %d pairs of %d queries, %.1f pairs/s%n%n",
            result.name(),
            result.version(),
            evaluation.pairs(),
            evaluation.queries(),
            result.pairsPerSecond());
    String rule = String.format(Locale.ROOT, "CumPT at %.3g", evaluation.threshold());
    Table table = new Table(METRIC, "", "argmax", "", rule, "");
    Evaluation.Metrics<Bootstrap.Interval> argmax = evaluation.argmaxIntervals();
    Evaluation.Metrics<Bootstrap.Interval> cumulative = evaluation.cumulativeIntervals();
    row(table, "macro-F1", argmax.macroF1(), cumulative.macroF1());
    row(table, "QWK", argmax.qwk(), cumulative.qwk());
    row(table, "accuracy", argmax.accuracy(), cumulative.accuracy());
    row(table, "Good-F1", argmax.goodF1(), cumulative.goodF1());
    List<Label> labels = evaluation.labels();
    for (int i = 0; i < labels.size(); i++) {
      table.row(
          Cell.of("F1 of " + labels.get(i).name()),
          Cell.of(number(evaluation.argmax().f1(i))),
          Cell.of(""),
          Cell.of(number(evaluation.cumulative().f1(i))),
          Cell.of(""));
    }
    table.print(terminal());
    terminal().out().printf(Locale.ROOT, "%nECE %s%n", number(evaluation.calibration().error()));
    result.samples().ifPresent(this::print);
  }

  private void print(SampleEvaluation samples) {
    List<Double> passes = samples.passAt();
    for (int k = 1; k <= passes.size(); k++) {
      terminal().out().printf(Locale.ROOT, "pass@%d %s%n", k, number(passes.get(k - 1)));
    }
    terminal()
        .out()
        .printf(
            Locale.ROOT,
            "vote: macro-F1 %s, QWK %s, accuracy %s%n",
            number(samples.vote().macroF1()),
            number(samples.vote().quadraticWeightedKappa()),
            number(samples.vote().accuracy()));
    terminal()
        .out()
        .printf(
            Locale.ROOT,
            "hallucination %s: %d of %d responses that come to a label%n",
            number(samples.hallucination().rate()),
            samples.hallucination().count(),
            samples.hallucination().concluded());
  }

  private static void row(
      Table table, String name, Bootstrap.Interval left, Bootstrap.Interval right) {
    table.row(
        Cell.of(name),
        Cell.of(number(left.value()), Style.BOLD),
        Cell.of(bounds(left), Style.DIM),
        Cell.of(number(right.value()), Style.BOLD),
        Cell.of(bounds(right), Style.DIM));
  }

  private static String bounds(Bootstrap.Interval interval) {
    return number(interval.low()) + " to " + number(interval.high());
  }

  private static String number(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.3f", value) : "none";
  }
}
