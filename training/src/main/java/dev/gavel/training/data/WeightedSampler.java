package dev.gavel.training.data;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * A weighted sample without replacement, drawn anew in every epoch (Efraimidis and Spirakis, 2006:
 * the examples with the smallest exponential arrival times of rates equal to their weights).
 */
public final class WeightedSampler implements Sampler {
  private final double[] weights;
  private final int count;
  private final long seed;

  /**
   * @param weights of the examples, 0 and more; 0 is never drawn
   * @param count examples of an epoch, at most as many as have a weight above 0
   */
  public WeightedSampler(double[] weights, int count, long seed) {
    for (double weight : weights) {
      if (!(weight >= 0) || Double.isInfinite(weight)) {
        throw new IllegalArgumentException("weight: expected 0 or more, found " + weight);
      }
    }
    long positive = Arrays.stream(weights).filter(weight -> weight > 0).count();
    if (count < 1 || count > positive) {
      throw new IllegalArgumentException(
          "count: expected 1 to " + positive + " (weights above 0), found " + count);
    }
    this.weights = weights.clone();
    this.count = count;
    this.seed = seed;
  }

  /**
   * Weights by difficulty: the variance p(1 - p) of success, largest for pairs that are solved half
   * of the time; 0 outside of [{@code from}, {@code to}], where a group teaches nothing or too
   * little.
   *
   * @param passRates share of right samples of every example, 0 to 1
   */
  public static double[] difficulty(double[] passRates, double from, double to) {
    return Arrays.stream(passRates)
        .map(
            rate -> {
              if (!(rate >= 0 && rate <= 1)) {
                throw new IllegalArgumentException("pass rate: expected 0 to 1, found " + rate);
              }
              return rate < from || rate > to ? 0 : rate * (1 - rate);
            })
        .toArray();
  }

  @Override
  public int[] epoch(int epoch) {
    SplittableRandom random = Sampler.random(seed, epoch);
    double[] arrivals = new double[weights.length];
    for (int i = 0; i < arrivals.length; i++) {
      double wait = -Math.log(1 - random.nextDouble());
      arrivals[i] = weights[i] > 0 ? wait / weights[i] : Double.POSITIVE_INFINITY;
    }
    return IntStream.range(0, arrivals.length)
        .boxed()
        .filter(i -> weights[i] > 0)
        .sorted(Comparator.comparingDouble(i -> arrivals[i]))
        .limit(count)
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
