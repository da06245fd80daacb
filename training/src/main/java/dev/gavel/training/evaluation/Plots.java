package dev.gavel.training.evaluation;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The report's plots, as SVG. */
public final class Plots {
  private static final int POINTS_MAX = 400;

  private Plots() {}

  /** Accuracy against confidence; the diagonal is perfect, the bars are shares of the pairs. */
  public static String reliability(Calibration calibration) {
    Chart chart =
        new Chart(
            String.format(Locale.ROOT, "Reliability, ECE %.3f", calibration.error()),
            "confidence (probability of the best label)",
            "accuracy; bars: share of pairs",
            0,
            1);
    long total = calibration.bins().stream().mapToLong(Calibration.Bin::count).sum();
    List<double[]> points = new ArrayList<>();
    for (Calibration.Bin bin : calibration.bins()) {
      chart.bar(bin.from(), bin.to(), bin.count() / (double) total);
      points.add(new double[] {bin.confidence(), bin.accuracy()});
    }
    chart.guide(0, 0, 1, 1);
    chart.series("accuracy", points);
    return chart.toSvg();
  }

  /** Macro-F1 against the CumPT threshold; dashed: the chosen one and what argmax reaches. */
  public static String threshold(ThresholdSweep sweep, double chosen, double argmaxMacroF1) {
    double top = Math.max(sweep.macroF1(), argmaxMacroF1);
    Chart chart =
        new Chart(
            String.format(
                Locale.ROOT,
                "Macro-F1 by CumPT threshold: best %.3f at %.3f",
                sweep.macroF1(),
                sweep.threshold()),
            "threshold",
            "macro-F1",
            0,
            Math.min(1, Math.ceil(top * 10) / 10));
    chart.guide(0, argmaxMacroF1, 1, argmaxMacroF1);
    chart.guide(chosen, 0, chosen, sweep.macroF1At(chosen));
    List<double[]> points = new ArrayList<>();
    for (int i = 1; i <= POINTS_MAX; i++) {
      double at = (double) i / POINTS_MAX;
      points.add(new double[] {at, sweep.macroF1At(at)});
    }
    chart.series("CumPT", points);
    return chart.toSvg();
  }
}
