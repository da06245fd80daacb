package dev.gavel.training.data;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * In which order examples are seen. Epoch {@code e} is a function of the seed and {@code e}, so a
 * run that goes on at epoch 3 sees what it would have seen.
 */
@FunctionalInterface
public interface Sampler {

  /**
   * Indices of the examples of one epoch, in order.
   *
   * @param epoch from 0
   */
  int[] epoch(int epoch);

  /** Every example once, shuffled. */
  static Sampler shuffled(int examples, long seed) {
    return epoch -> {
      int[] order = IntStream.range(0, examples).toArray();
      shuffle(order, random(seed, epoch));
      return order;
    };
  }

  /** The randomness of one epoch. */
  static SplittableRandom random(long seed, int epoch) {
    // Weyl steps keep the streams of neighbouring seeds and epochs apart.
    return new SplittableRandom(seed * 0x9E3779B97F4A7C15L + epoch * 0xD1B54A32D192ED03L);
  }

  /** Fisher-Yates. */
  static void shuffle(int[] values, SplittableRandom random) {
    for (int i = values.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int value = values[i];
      values[i] = values[other];
      values[other] = value;
    }
  }

  /**
   * The coefficient of variation of the classes' counts; 0 is even (TaoSR1, stage 3).
   *
   * @param classes of examples
   * @param kinds how many classes there are; those that do not occur count 0 times
   */
  static double variation(int[] classes, int kinds) {
    double[] occurring =
        Arrays.stream(classes).boxed().collect(Collectors.groupingBy(c -> c)).values().stream()
            .mapToDouble(List::size)
            .toArray();
    double[] counts = Arrays.copyOf(occurring, kinds);
    double mean = Arrays.stream(counts).average().orElse(0);
    double variance = Arrays.stream(counts).map(c -> (c - mean) * (c - mean)).average().orElse(0);
    return mean == 0 ? 0 : Math.sqrt(variance) / mean;
  }
}
