package dev.gavel.training.evaluation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The CumPT threshold that gives the best macro-F1, found exactly: the labels change only where the
 * threshold passes a cumulative probability of some pair, so every plateau between two of those is
 * looked at once.
 *
 * @param threshold the middle of the best plateau, the widest where several are equally good
 * @param macroF1 there
 * @param plateaus from threshold 0 to 1, without gaps
 */
public record ThresholdSweep(double threshold, double macroF1, List<Plateau> plateaus) {
  /** Thresholds in (from, to] that decide every pair alike. */
  public record Plateau(double from, double to, double macroF1) {
    double width() {
      return to - from;
    }
  }

  /** The threshold at which a pair of true label {@code truth} falls from label to label + 1. */
  private record Step(double at, int truth, int label) {}

  public ThresholdSweep {
    plateaus = List.copyOf(plateaus);
  }

  /**
   * Sweeps (0, 1].
   *
   * @param pairs at least one
   */
  public static ThresholdSweep of(List<Scored> pairs, int labels) {
    if (pairs.isEmpty()) {
      throw new IllegalArgumentException("pairs: expected at least one, found none");
    }
    long[][] counts = new long[labels][labels];
    List<Step> steps = new ArrayList<>();
    for (Scored pair : pairs) {
      counts[pair.truth()][0]++;
      double sum = 0;
      for (int label = 0; label < labels - 1; label++) {
        sum += pair.probabilities()[label];
        steps.add(new Step(sum, pair.truth(), label));
      }
    }
    steps.sort(Comparator.comparingDouble(Step::at));
    List<Plateau> plateaus = plateaus(steps, counts);
    Plateau best =
        plateaus.stream()
            .max(Comparator.comparingDouble(Plateau::macroF1).thenComparingDouble(Plateau::width))
            .orElseThrow();
    return new ThresholdSweep((best.from() + best.to()) / 2, best.macroF1(), plateaus);
  }

  /** A pair has label k while the threshold is above its k-th sum and not above the next. */
  private static List<Plateau> plateaus(List<Step> steps, long[][] counts) {
    List<Plateau> out = new ArrayList<>();
    double from = 0;
    for (Step step : steps) {
      double at = Math.min(1, step.at());
      if (at > from) {
        out.add(new Plateau(from, at, ConfusionMatrix.of(counts).macroF1()));
        from = at;
      }
      counts[step.truth()][step.label()]--;
      counts[step.truth()][step.label() + 1]++;
    }
    if (from < 1) {
      out.add(new Plateau(from, 1, ConfusionMatrix.of(counts).macroF1()));
    }
    return out;
  }

  /** Macro-F1 at a threshold in (0, 1]. */
  public double macroF1At(double at) {
    return plateaus.stream()
        .filter(plateau -> at > plateau.from() && at <= plateau.to())
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("threshold: expected (0, 1], found " + at))
        .macroF1();
  }
}
