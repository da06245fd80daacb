package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.node.DoubleNode;
import dev.gavel.training.evaluation.Calibrator;
import dev.gavel.training.evaluation.ConfusionMatrix;
import dev.gavel.training.evaluation.Decision;
import dev.gavel.training.evaluation.Plots;
import dev.gavel.training.evaluation.ThresholdSweep;
import dev.gavel.training.run.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Finds the CumPT threshold with the best macro-F1 on a development set and writes it into the
 * model's {@code gavel.json} (TaoSR1: one threshold, see {@link dev.gavel.relevance.TierRule}).
 */
public final class CalibrateStage {
  private final CalibrateConfig config;

  public CalibrateStage(CalibrateConfig config) {
    this.config = config;
  }

  /**
   * Scores the development set, writes the threshold, and the report into {@code out}.
   *
   * @throws IllegalArgumentException naming what is wrong with configuration or data
   */
  public Report run(Path out, Progress progress) throws IOException {
    progress.note("scoring " + config.dev());
    EvaluateStage.Result result =
        new EvaluateStage(config.model(), config.engine()).run(config.dev(), (done, total) -> {});
    ThresholdSweep sweep = result.sweep();
    Calibrator.write(config.model(), sweep.threshold());
    int labels = result.evaluation().labels().size();
    ConfusionMatrix before = result.evaluation().cumulative();
    ConfusionMatrix after =
        ConfusionMatrix.of(result.scored(), labels, Decision.cumulative(sweep.threshold()));
    Report report = new Report("CumPT threshold of " + result.name());
    report.data("config", StageConfig.toJson(config));
    report.data("evaluation", result.evaluation().toJson(result.pairsPerSecond()));
    report.data("threshold", DoubleNode.valueOf(sweep.threshold()));
    report.section("Threshold");
    report.text(
        String.format(
            Locale.ROOT,
            "%.4g, found on %d pairs of %d queries and written to the model's gavel.json; it was"
                + " %.4g.",
            sweep.threshold(),
            result.evaluation().pairs(),
            result.evaluation().queries(),
            result.evaluation().threshold()));
    report.table(
        List.of("rule", "macro-F1", "QWK", "accuracy"),
        List.of(
            row("argmax", result.evaluation().argmax()),
            row("CumPT before", before),
            row("CumPT now", after)));
    report.plot(
        "threshold",
        "Macro-F1 by CumPT threshold",
        Plots.threshold(sweep, sweep.threshold(), result.evaluation().argmax().macroF1()));
    report.write(out);
    return report;
  }

  private static List<String> row(String rule, ConfusionMatrix matrix) {
    return List.of(
        rule,
        number(matrix.macroF1()),
        number(matrix.quadraticWeightedKappa()),
        number(matrix.accuracy()));
  }

  private static String number(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.4f", value) : "none";
  }
}
