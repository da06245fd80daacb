package dev.gavel.training.data;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Every class equally often, in one shuffled order. Down-sampling takes as many of each class as
 * the rarest has, and others of the frequent ones in the next epoch, until all were seen;
 * up-sampling takes as many as the most frequent has, each example of a class as often as any
 * other, give or take one.
 */
public final class ClassBalancedSampler implements Sampler {
  /** Which class sets the size. */
  public enum Size {
    RAREST,
    MOST_FREQUENT
  }

  private final int[][] members; // [classes][members], each class in an order of its own
  private final int perClass;
  private final long seed;

  /**
   * @param classes class of every example; only classes that occur count
   */
  public ClassBalancedSampler(int[] classes, Size size, long seed) {
    if (classes.length == 0) {
      throw new IllegalArgumentException("examples: expected at least one, found none");
    }
    Map<Integer, int[]> byClass = new TreeMap<>();
    for (int value : classes) {
      byClass.computeIfAbsent(
          value, c -> IntStream.range(0, classes.length).filter(i -> classes[i] == c).toArray());
    }
    this.seed = seed;
    this.members = byClass.values().toArray(int[][]::new);
    SplittableRandom random = Sampler.random(seed, -1);
    for (int[] own : members) {
      Sampler.shuffle(own, random);
    }
    IntStream sizes = byClass.values().stream().mapToInt(own -> own.length);
    this.perClass = (size == Size.RAREST ? sizes.min() : sizes.max()).getAsInt();
  }

  @Override
  public int[] epoch(int epoch) {
    int[] out = new int[members.length * perClass];
    int at = 0;
    for (int[] own : members) {
      long start = (long) epoch * perClass;
      for (int i = 0; i < perClass; i++) {
        out[at++] = own[(int) ((start + i) % own.length)];
      }
    }
    Sampler.shuffle(out, Sampler.random(seed, epoch));
    return out;
  }
}
