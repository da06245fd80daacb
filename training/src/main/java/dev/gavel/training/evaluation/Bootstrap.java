package dev.gavel.training.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Percentile bootstrap intervals over queries: pairs of one query are not independent of each
 * other, so whole queries are drawn, with replacement.
 *
 * @param resamples number of draws
 * @param level share of the draws inside the interval, such as .95
 */
public record Bootstrap(int resamples, double level, long seed) {
  /** A thousand draws, 95%. */
  public static final Bootstrap DEFAULT = new Bootstrap(1000, .95, 1);

  /**
   * A statistic of the whole set with its interval. The bounds are NaN where every draw was.
   *
   * @param value on the set itself
   */
  public record Interval(double value, double low, double high) {}

  public Bootstrap {
    if (resamples < 1 || !(level > 0 && level < 1)) {
      throw new IllegalArgumentException(
          "bootstrap: expected resamples > 0 and 0 < level < 1, found " + resamples + ", " + level);
    }
  }

  /**
   * The interval of a statistic, such as a metric of a confusion matrix; NaN draws do not count.
   */
  public Interval interval(List<Scored> pairs, ToDoubleFunction<List<Scored>> statistic) {
    Map<String, List<Scored>> byQuery = new LinkedHashMap<>();
    for (Scored pair : pairs) {
      byQuery.computeIfAbsent(pair.query(), query -> new ArrayList<>()).add(pair);
    }
    List<List<Scored>> queries = List.copyOf(byQuery.values());
    return intervals(
        queries.size(),
        drawn -> {
          List<Scored> sample = new ArrayList<>();
          Arrays.stream(drawn).forEach(query -> sample.addAll(queries.get(query)));
          return new double[] {statistic.applyAsDouble(sample)};
        })[0];
  }

  /**
   * Intervals of several statistics on the same draws, so that a difference of two of them is
   * paired; NaN draws do not count.
   *
   * @param queries how many there are
   * @param statistics from drawn queries, by index, to values
   */
  public Interval[] intervals(int queries, Function<int[], double[]> statistics) {
    double[] values = statistics.apply(IntStream.range(0, queries).toArray());
    SplittableRandom random = new SplittableRandom(seed);
    double[][] draws = new double[resamples][];
    for (int i = 0; i < resamples; i++) {
      int[] drawn = new int[queries];
      for (int j = 0; j < queries; j++) {
        drawn[j] = random.nextInt(queries);
      }
      draws[i] = statistics.apply(drawn);
    }
    Interval[] out = new Interval[values.length];
    for (int i = 0; i < out.length; i++) {
      int at = i;
      double[] sorted =
          Arrays.stream(draws)
              .mapToDouble(draw -> draw[at])
              .filter(Double::isFinite)
              .sorted()
              .toArray();
      double tail = (1 - level) / 2;
      out[i] = new Interval(values[i], quantile(sorted, tail), quantile(sorted, 1 - tail));
    }
    return out;
  }

  /** Linear interpolation between order statistics, NumPy's default. */
  static double quantile(double[] sorted, double share) {
    if (sorted.length == 0) {
      return Double.NaN;
    }
    double place = share * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }
}
