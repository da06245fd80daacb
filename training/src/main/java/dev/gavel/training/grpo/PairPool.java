package dev.gavel.training.grpo;

import dev.gavel.training.data.ClassBalancedSampler;
import dev.gavel.training.data.Sampler;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The pairs to be answered, one after the other without an end. Worker {@code r} of {@code w} takes
 * every w-th of one common order.
 */
public final class PairPool {
  private final Sampler sampler;
  private final int rank;
  private final int workers;
  private final int epochSize;
  private long taken;
  private int cachedEpoch = -1;
  private int[] cachedOrder;

  /**
   * @param sampler every epoch has as many pairs as the first
   */
  public PairPool(Sampler sampler, int rank, int workers) {
    if (rank < 0 || rank >= workers) {
      throw new IllegalArgumentException(
          "worker: expected a rank below " + workers + ", found " + rank);
    }
    this.sampler = sampler;
    this.rank = rank;
    this.workers = workers;
    this.epochSize = order(0).length;
    if (epochSize == 0) {
      throw new IllegalArgumentException("pairs: expected at least one, found none");
    }
  }

  /**
   * The order of a pool with the given labels.
   *
   * @param balanced every label as often as the rarest (TaoSR1: best, with the least data); else
   *     every pair once
   */
  public static Sampler order(int[] labels, boolean balanced, long seed) {
    return balanced
        ? new ClassBalancedSampler(labels, ClassBalancedSampler.Size.RAREST, seed)
        : Sampler.shuffled(labels.length, seed);
  }

  /** Coefficient of variation of the counts in an epoch of all labels that occur; 0 is even. */
  public static double variation(Sampler sampler, int[] labels) {
    return variation(Arrays.stream(sampler.epoch(0)), labels);
  }

  /** The same of some pairs. */
  static double variation(IntStream pairs, int[] labels) {
    int kinds = (int) Arrays.stream(labels).distinct().count();
    return Sampler.variation(pairs.map(pair -> labels[pair]).toArray(), kinds);
  }

  /** The next pairs. */
  public int[] next(int count) {
    int[] out = new int[count];
    for (int i = 0; i < count; i++) {
      long position = taken++ * workers + rank;
      out[i] = order(Math.toIntExact(position / epochSize))[(int) (position % epochSize)];
    }
    return out;
  }

  /** How many this worker has taken. */
  public long taken() {
    return taken;
  }

  /** Goes on after as many. */
  public void skipTo(long count) {
    taken = count;
  }

  private int[] order(int epoch) {
    if (epoch != cachedEpoch) {
      cachedOrder = sampler.epoch(epoch);
      cachedEpoch = epoch;
    }
    return cachedOrder;
  }
}
