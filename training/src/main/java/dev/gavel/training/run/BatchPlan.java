package dev.gavel.training.run;

import dev.gavel.training.data.Sampler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which examples a step sees, and how they are cut into micro-batches. A function of the step: a
 * resumed run sees what it would have seen.
 *
 * <p>A step takes the next {@code batchExamples} of its epoch (the last one of an epoch may have
 * fewer). They are sorted by length, so that a micro-batch holds sequences of a kind, and packed
 * end to end until {@code microTokens} are reached; nothing is padded.
 */
public final class BatchPlan {
  private final Sampler sampler;
  private final int[] lengths;
  private final int batchExamples;
  private final int microTokens;
  private final int stepsPerEpoch;
  private int cachedEpoch = -1;
  private int[] cachedOrder;

  /**
   * @param sampler every epoch has as many examples as the first
   * @param lengths tokens of every example
   * @param batchExamples examples of a step
   * @param microTokens tokens of a micro-batch, unless one example alone has more
   */
  public BatchPlan(Sampler sampler, int[] lengths, int batchExamples, int microTokens) {
    if (batchExamples < 1 || microTokens < 1) {
      throw new IllegalArgumentException(
          "batch plan: expected batchExamples and microTokens above 0, found "
              + batchExamples
              + ", "
              + microTokens);
    }
    this.sampler = sampler;
    this.lengths = lengths.clone();
    this.batchExamples = batchExamples;
    this.microTokens = microTokens;
    int examples = order(0).length;
    if (examples == 0) {
      throw new IllegalArgumentException("examples: expected at least one, found none");
    }
    this.stepsPerEpoch = (examples + batchExamples - 1) / batchExamples;
  }

  public int stepsPerEpoch() {
    return stepsPerEpoch;
  }

  /** The epoch of a step, from 0. */
  public int epoch(int step) {
    return step / stepsPerEpoch;
  }

  /**
   * Examples of a step, in micro-batches, the longest first: if memory runs out, it does so soon.
   */
  public List<int[]> step(int step) {
    return step(step, 0, 1);
  }

  /**
   * The part that one of several workers has of a step: all parts together are the step, and their
   * lengths are alike. The last step of an epoch may leave a worker with none.
   */
  public List<int[]> step(int step, int rank, int workers) {
    int[] order = order(epoch(step));
    int from = step % stepsPerEpoch * batchExamples;
    int[] whole = Arrays.copyOfRange(order, from, Math.min(order.length, from + batchExamples));
    int[] sorted = longestFirst(whole, lengths);
    int[] own =
        IntStream.range(0, sorted.length)
            .filter(i -> i % workers == rank)
            .map(i -> sorted[i])
            .toArray();
    return packed(own, lengths, microTokens);
  }

  private static int[] longestFirst(int[] examples, int[] lengths) {
    return IntStream.of(examples)
        .boxed()
        .sorted(
            Comparator.<Integer>comparingInt(example -> -lengths[example])
                .thenComparingInt(example -> example))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** Any examples in micro-batches, the longest first; none for none. */
  public static List<int[]> micros(int[] lengths, int microTokens) {
    int[] all = IntStream.range(0, lengths.length).toArray();
    return packed(longestFirst(all, lengths), lengths, microTokens);
  }

  private static List<int[]> packed(int[] examples, int[] lengths, int microTokens) {
    List<int[]> out = new ArrayList<>();
    int begin = 0;
    int tokens = 0;
    for (int i = 0; i < examples.length; i++) {
      int length = lengths[examples[i]];
      if (i > begin && tokens + length > microTokens) {
        out.add(Arrays.copyOfRange(examples, begin, i));
        begin = i;
        tokens = 0;
      }
      tokens += length;
    }
    if (examples.length > begin) {
      out.add(Arrays.copyOfRange(examples, begin, examples.length));
    }
    return out;
  }

  private int[] order(int epoch) {
    if (epoch != cachedEpoch) {
      cachedOrder = sampler.epoch(epoch);
      cachedEpoch = epoch;
    }
    return cachedOrder;
  }
}
