package dev.gavel.training.stage;

import dev.gavel.relevance.Label;
import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.evaluation.ConfusionMatrix;
import dev.gavel.training.evaluation.Evaluation;
import dev.gavel.training.evaluation.Hallucination;
import dev.gavel.training.evaluation.Plots;
import dev.gavel.training.evaluation.SampleEvaluation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** The report of {@link EvaluateStage}: both rules side by side, with intervals and plots. */
final class EvaluationReport {
  private EvaluationReport() {}

  static Report of(EvaluateStage.Result result) {
    Evaluation evaluation = result.evaluation();
    Report report = new Report("Evaluation of " + result.name() + " " + result.version());
    report.data("evaluation", result.toJson());
    report.data("intervals", evaluation.intervalsJson());
    report.section("Metrics");
    report.text(
        String.format(
            Locale.ROOT,
            "%d pairs of %d queries, %.1f pairs/s. In brackets: 95%% intervals of a bootstrap over"
                + " queries. CumPT is at the model's threshold, %.4g; on this very set %.4g would be"
                + " best, with a macro-F1 of %.4f. ECE %.4f.",
            evaluation.pairs(),
            evaluation.queries(),
            result.pairsPerSecond(),
            evaluation.threshold(),
            result.sweep().threshold(),
            result.sweep().macroF1(),
            evaluation.calibration().error()));
    report.table(List.of("metric", "argmax", "CumPT"), metrics(evaluation));
    confusion(report, evaluation.labels(), "Argmax", evaluation.argmax());
    confusion(report, evaluation.labels(), "CumPT", evaluation.cumulative());
    result.samples().ifPresent(samples -> samples(report, samples));
    report.section("Plots");
    report.plot("reliability", "Reliability", Plots.reliability(evaluation.calibration()));
    report.plot(
        "threshold",
        "Macro-F1 by CumPT threshold",
        Plots.threshold(result.sweep(), evaluation.threshold(), evaluation.argmax().macroF1()));
    return report;
  }

  private static void samples(Report report, SampleEvaluation samples) {
    Hallucination hallucination = samples.hallucination();
    report.section("Sampled responses");
    List<String> header = new ArrayList<>();
    IntStream.rangeClosed(1, samples.passAt().size()).forEach(k -> header.add("pass@" + k));
    report.table(header, List.of(samples.passAt().stream().map(EvaluationReport::number).toList()));
    report.text(
        String.format(
            Locale.ROOT,
            "The label that most responses to a pair give: macro-F1 %s, QWK %s, accuracy %s.",
            number(samples.vote().macroF1()),
            number(samples.vote().quadraticWeightedKappa()),
            number(samples.vote().accuracy())));
    report.text(
        String.format(
            Locale.ROOT,
            "%d responses to %d pairs. The reasoning of %d comes to a label; %s of these contradict"
                + " the label of the response: %d reasonings are right where the label is not, %d"
                + " labels where the reasoning is not, and in %d neither is.",
            hallucination.responses(),
            samples.pairs(),
            hallucination.concluded(),
            number(hallucination.rate()),
            hallucination.soundButWrong(),
            hallucination.rightButUnsound(),
            hallucination.bothWrong()));
  }

  private static List<List<String>> metrics(Evaluation evaluation) {
    Evaluation.Metrics<Bootstrap.Interval> left = evaluation.argmaxIntervals();
    Evaluation.Metrics<Bootstrap.Interval> right = evaluation.cumulativeIntervals();
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("macro-F1", text(left.macroF1()), text(right.macroF1())));
    rows.add(List.of("QWK", text(left.qwk()), text(right.qwk())));
    rows.add(List.of("accuracy", text(left.accuracy()), text(right.accuracy())));
    rows.add(List.of("Good-F1", text(left.goodF1()), text(right.goodF1())));
    List<Label> labels = evaluation.labels();
    for (int i = 0; i < labels.size(); i++) {
      rows.add(
          List.of(
              "F1 of " + labels.get(i).name(),
              number(evaluation.argmax().f1(i)),
              number(evaluation.cumulative().f1(i))));
    }
    return rows;
  }

  private static void confusion(
      Report report, List<Label> labels, String rule, ConfusionMatrix matrix) {
    report.section("Confusion, " + rule);
    List<String> header = new ArrayList<>(List.of("true"));
    labels.forEach(label -> header.add("said " + label.name()));
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      int truth = i;
      List<String> row = new ArrayList<>(List.of(labels.get(i).name()));
      IntStream.range(0, labels.size())
          .forEach(said -> row.add(Long.toString(matrix.count(truth, said))));
      rows.add(row);
    }
    report.table(header, rows);
  }

  private static String text(Bootstrap.Interval interval) {
    return number(interval.value())
        + " ["
        + number(interval.low())
        + ", "
        + number(interval.high())
        + "]";
  }

  private static String number(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.4f", value) : "none";
  }
}
