package dev.gavel.training.evaluation;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Tier;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * A model on a judged set: argmax and CumPT side by side.
 *
 * @param argmax pairs by their most probable label
 * @param cumulative pairs by the cumulative rule at {@code threshold}
 * @param intervals of the argmax metrics and of the cumulative ones, see {@link Metrics}
 */
public record Evaluation(
    List<Label> labels,
    long pairs,
    long queries,
    double threshold,
    ConfusionMatrix argmax,
    ConfusionMatrix cumulative,
    Metrics<Bootstrap.Interval> argmaxIntervals,
    Metrics<Bootstrap.Interval> cumulativeIntervals,
    Calibration calibration) {

  /** The headline metrics, as values or intervals. */
  public record Metrics<T>(T accuracy, T macroF1, T qwk, T goodF1) {}

  public Evaluation {
    labels = List.copyOf(labels);
  }

  /**
   * Evaluates.
   *
   * @param labels best grade first, as many as every pair has probabilities
   * @param threshold of the cumulative rule
   */
  public static Evaluation of(
      List<Label> labels, List<Scored> pairs, double threshold, Bootstrap bootstrap) {
    for (Scored pair : pairs) {
      if (pair.probabilities().length != labels.size()) {
        throw new IllegalArgumentException(
            "pair "
                + pair.id()
                + ": expected "
                + labels.size()
                + " probabilities, found "
                + pair.probabilities().length);
      }
    }
    Decision cumulative = Decision.cumulative(threshold);
    return new Evaluation(
        labels,
        pairs.size(),
        pairs.stream().map(Scored::query).distinct().count(),
        threshold,
        ConfusionMatrix.of(pairs, labels.size(), Decision.ARGMAX),
        ConfusionMatrix.of(pairs, labels.size(), cumulative),
        intervals(labels, pairs, Decision.ARGMAX, bootstrap),
        intervals(labels, pairs, cumulative, bootstrap),
        Calibration.of(pairs, Calibration.BINS));
  }

  private static Metrics<Bootstrap.Interval> intervals(
      List<Label> labels, List<Scored> pairs, Decision decision, Bootstrap bootstrap) {
    return new Metrics<>(
        interval(labels, pairs, decision, bootstrap, ConfusionMatrix::accuracy),
        interval(labels, pairs, decision, bootstrap, ConfusionMatrix::macroF1),
        interval(labels, pairs, decision, bootstrap, ConfusionMatrix::quadraticWeightedKappa),
        interval(labels, pairs, decision, bootstrap, matrix -> goodF1(labels, matrix)));
  }

  private static Bootstrap.Interval interval(
      List<Label> labels,
      List<Scored> pairs,
      Decision decision,
      Bootstrap bootstrap,
      ToDoubleFunction<ConfusionMatrix> metric) {
    return bootstrap.interval(
        pairs, sample -> metric.applyAsDouble(ConfusionMatrix.of(sample, labels.size(), decision)));
  }

  /** F1 of the labels whose tier is Good, taken as one class. */
  public static double goodF1(List<Label> labels, ConfusionMatrix matrix) {
    return matrix.groupF1(i -> labels.get(i).tier() == Tier.GOOD);
  }

  /** The confusion of tiers, in the order of {@link Tier}. */
  public static ConfusionMatrix tiers(List<Label> labels, ConfusionMatrix matrix) {
    int[] tiers = labels.stream().mapToInt(label -> label.tier().ordinal()).toArray();
    return matrix.merged(tiers, Tier.values().length);
  }

  /**
   * What {@code gavel evaluate --json} prints. A metric that has no value, such as a kappa where
   * there is one class only, is null.
   *
   * @param pairsPerSecond as measured by the caller
   */
  public ObjectNode toJson(double pairsPerSecond) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("n", pairs).put("queries", queries);
    json.set("argmax", metrics(labels, argmax));
    ObjectNode rule = JsonNodeFactory.instance.objectNode().put("threshold", threshold);
    json.set("cumpt", rule.setAll(metrics(labels, cumulative)));
    json.put("ece", finite(calibration.error()));
    return json.put("pairs_per_second", finite(pairsPerSecond));
  }

  /** The headline metrics by name, and F1 by grade. */
  static ObjectNode metrics(List<Label> labels, ConfusionMatrix matrix) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("accuracy", finite(matrix.accuracy()));
    json.put("macro_f1", finite(matrix.macroF1()));
    json.put("qwk", finite(matrix.quadraticWeightedKappa()));
    json.put("good_f1", finite(goodF1(labels, matrix)));
    ObjectNode perClass = json.putObject("per_class_f1");
    IntStream.range(0, labels.size())
        .forEach(i -> perClass.put(grade(labels.get(i)), matrix.f1(i)));
    return json;
  }

  /** A grade as a key: 4, not 4.0. */
  static String grade(Label label) {
    double grade = label.grade();
    return grade == Math.rint(grade) ? Long.toString((long) grade) : Double.toString(grade);
  }

  /** The intervals, [low, high] each, by rule and metric, with the same names. */
  public ObjectNode intervalsJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set("argmax", intervals(argmaxIntervals));
    json.set("cumpt", intervals(cumulativeIntervals));
    return json;
  }

  private static ObjectNode intervals(Metrics<Bootstrap.Interval> intervals) {
    ObjectNode bounds = JsonNodeFactory.instance.objectNode();
    put(bounds, "accuracy", intervals.accuracy());
    put(bounds, "macro_f1", intervals.macroF1());
    put(bounds, "qwk", intervals.qwk());
    put(bounds, "good_f1", intervals.goodF1());
    return bounds;
  }

  private static void put(ObjectNode json, String name, Bootstrap.Interval interval) {
    json.putArray(name).add(finite(interval.low())).add(finite(interval.high()));
  }

  private static Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }
}
