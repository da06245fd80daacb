package dev.gavel.training.comparison;

import dev.gavel.relevance.Label;
import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.evaluation.ConfusionMatrix;
import dev.gavel.training.evaluation.Evaluation;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Classification metrics of both models under one rule. */
public record MetricTable(Rules rules, List<Versus> rows) {
  public MetricTable {
    rows = List.copyOf(rows);
  }

  /** Counts of one query: [truth][said] of each model. */
  private record Counts(long[][] base, long[][] model) {
    static Counts of(List<Pair> page, Rules rules, int labels) {
      Counts out = new Counts(new long[labels][labels], new long[labels][labels]);
      for (Pair pair : page) {
        out.base[pair.truth()][rules.base(pair)]++;
        out.model[pair.truth()][rules.model(pair)]++;
      }
      return out;
    }
  }

  static MetricTable of(
      List<Label> labels, List<List<Pair>> pages, Rules rules, Bootstrap bootstrap) {
    int size = labels.size();
    List<Counts> counts = pages.stream().map(page -> Counts.of(page, rules, size)).toList();
    List<String> names = names(labels);
    Bootstrap.Interval[] intervals =
        bootstrap.intervals(
            pages.size(),
            drawn -> {
              long[][] base = new long[size][size];
              long[][] model = new long[size][size];
              for (int query : drawn) {
                add(base, counts.get(query).base());
                add(model, counts.get(query).model());
              }
              return both(
                  values(labels, ConfusionMatrix.of(base)),
                  values(labels, ConfusionMatrix.of(model)));
            });
    return new MetricTable(rules, rows(names, intervals));
  }

  private static void add(long[][] sum, long[][] counts) {
    for (int i = 0; i < sum.length; i++) {
      for (int j = 0; j < sum.length; j++) {
        sum[i][j] += counts[i][j];
      }
    }
  }

  private static List<String> names(List<Label> labels) {
    List<String> out = new ArrayList<>(List.of("macro-F1", "QWK", "accuracy", "Good-F1"));
    labels.forEach(label -> out.add("F1 of " + label.name()));
    return out;
  }

  private static double[] values(List<Label> labels, ConfusionMatrix matrix) {
    double[] out = new double[4 + labels.size()];
    out[0] = matrix.macroF1();
    out[1] = matrix.quadraticWeightedKappa();
    out[2] = matrix.accuracy();
    out[3] = Evaluation.goodF1(labels, matrix);
    for (int i = 0; i < labels.size(); i++) {
      out[4 + i] = matrix.f1(i);
    }
    return out;
  }

  /** Base's values, the model's, and their differences. */
  static double[] both(double[] base, double[] model) {
    int n = base.length;
    double[] out = new double[3 * n];
    for (int i = 0; i < n; i++) {
      out[i] = base[i];
      out[n + i] = model[i];
      out[2 * n + i] = model[i] - base[i];
    }
    return out;
  }

  /** From intervals of values as {@link #both} orders them. */
  static List<Versus> rows(List<String> names, Bootstrap.Interval[] intervals) {
    int n = names.size();
    return IntStream.range(0, n)
        .mapToObj(
            i -> new Versus(names.get(i), intervals[i], intervals[n + i], intervals[2 * n + i]))
        .toList();
  }
}
