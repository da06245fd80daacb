package dev.gavel.training.grpo;

import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.StepMetrics;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How the groups of a batch came out, over all workers.
 *
 * @param groups that are learned from
 * @param labelVariation coefficient of variation of the counts of their labels
 * @param sums by the constants of this class
 */
record GroupMetrics(int groups, int group, double labelVariation, double[] sums) {
  private static final int SAMPLED = 0;
  private static final int KEPT = 1;
  private static final int ALL_RIGHT = 2;
  private static final int ALL_WRONG = 3;
  private static final int ROUNDS = 4;
  private static final int DROPPED = 5;
  private static final int REWARD = 6;
  private static final int RIGHT = 7;
  private static final int TOKENS = 8;
  private static final int SECONDS = 9;

  /** Adds up what all workers have collected. */
  static GroupMetrics of(
      GroupCollector.Collected collected, int[] labels, GroupRule rule, GradientExchange exchange) {
    GroupCollector.Tally tally = collected.tally();
    double[] sums =
        exchange.sum(
            tally.sampled,
            tally.kept,
            tally.allRight,
            tally.allWrong,
            tally.rounds,
            tally.dropped,
            tally.reward,
            tally.right,
            tally.tokens,
            tally.seconds);
    // Averaged, for the number of refills and the pace are each worker's own.
    sums[ROUNDS] /= exchange.workers();
    sums[SECONDS] /= exchange.workers();
    String own =
        collected.groups().stream()
            .map(group -> Integer.toString(group.pair()))
            .collect(Collectors.joining(" "));
    int[] kept =
        exchange.gather(own).stream()
            .filter(list -> !list.isEmpty())
            .flatMapToInt(list -> IntStream.of(parsed(list)))
            .toArray();
    double variation = PairPool.variation(IntStream.of(kept), labels);
    return new GroupMetrics(kept.length, rule.group(), variation, sums);
  }

  private static int[] parsed(String list) {
    return Arrays.stream(list.split(" ")).mapToInt(Integer::parseInt).toArray();
  }

  /**
   * @throws IllegalArgumentException if there is nothing to learn from
   */
  void requireGroups(int batch) {
    if (groups == 0) {
      throw new IllegalArgumentException(
          "batch "
              + batch
              + ": expected a group with right and wrong responses, found none of "
              + (long) sums[SAMPLED]
              + ": "
              + (long) sums[ALL_RIGHT]
              + " all right, "
              + (long) sums[ALL_WRONG]
              + " all wrong, the others above gamma; other pairs, a larger gamma or more refills"
              + " may help");
    }
  }

  StepMetrics addTo(StepMetrics metrics) {
    StepMetrics out =
        metrics
            .with("groups", groups)
            .with("label_variation", labelVariation)
            .with("dropped_groups", sums[DROPPED]);
    double sampled = sums[SAMPLED];
    if (sampled == 0) {
      return out; // all was left over from the batch before
    }
    double responses = sampled * group;
    return out.with("refills", Math.max(0, sums[ROUNDS] - 1))
        .with("reward", sums[REWARD] / responses)
        .with("right_share", sums[RIGHT] / responses)
        .with("kept_share", sums[KEPT] / sampled)
        .with("all_right_share", sums[ALL_RIGHT] / sampled)
        .with("all_wrong_share", sums[ALL_WRONG] / sampled)
        .with("response_tokens", sums[TOKENS] / responses)
        .with("rollout_tokens_per_second", sums[TOKENS] / Math.max(1e-9, sums[SECONDS]));
  }
}
