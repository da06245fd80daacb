package dev.gavel.training.comparison;

import dev.gavel.training.evaluation.Bootstrap;
import dev.gavel.training.evaluation.Rates;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * Good-same-bad: how often the model is better than the base, the same and worse.
 *
 * @param name what was compared
 * @param gsb (wins - losses) / all
 */
public record SideBySide(String name, long wins, long same, long losses, Bootstrap.Interval gsb) {

  /**
   * Counts.
   *
   * @param pages the contests of every query
   * @param outcome above 0 the model wins, below 0 it loses
   */
  static <T> SideBySide of(
      String name, List<List<T>> pages, ToIntFunction<T> outcome, Bootstrap bootstrap) {
    long[][] counts = new long[pages.size()][3]; // losses, same, wins
    long[] total = new long[3];
    for (int i = 0; i < counts.length; i++) {
      for (T contest : pages.get(i)) {
        int place = Integer.signum(outcome.applyAsInt(contest)) + 1;
        counts[i][place]++;
        total[place]++;
      }
    }
    Bootstrap.Interval[] interval =
        bootstrap.intervals(
            pages.size(),
            drawn -> {
              long[] sum = new long[3];
              for (int query : drawn) {
                for (int j = 0; j < sum.length; j++) {
                  sum[j] += counts[query][j];
                }
              }
              return new double[] {Rates.gsb(sum[2], sum[1], sum[0])};
            });
    return new SideBySide(name, total[2], total[1], total[0], interval[0]);
  }
}
