package dev.gavel.training.evaluation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;

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
    SplittableRandom random = new SplittableRandom(seed);
    double[] draws = new double[resamples];
    List<Scored> sample = new ArrayList<>();
    for (int i = 0; i < resamples; i++) {
      sample.clear();
      for (int j = 0; j < queries.size(); j++) {
        sample.addAll(queries.get(random.nextInt(queries.size())));
      }
      draws[i] = statistic.applyAsDouble(sample);
    }
    double[] sorted = Arrays.stream(draws).filter(Double::isFinite).sorted().toArray();
    return new Interval(
        statistic.applyAsDouble(pairs),
        quantile(sorted, (1 - level) / 2),
        quantile(sorted, (1 + level) / 2));
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
