package dev.gavel.training.grpo;

/**
 * How groups are sampled and which are kept.
 *
 * @param group responses of a pair, at least 2
 * @param gamma a group is kept if it has right responses, but fewer than this; equal to {@code
 *     group} only the all-right and all-wrong groups are dropped
 * @param batchGroups kept groups of a batch, over all workers
 * @param roundGroups groups that a worker samples at once
 * @param refillsMax rounds of a batch after its first, in each worker
 */
public record GroupRule(int group, int gamma, int batchGroups, int roundGroups, int refillsMax) {
  public GroupRule {
    if (group < 2 || gamma < 2 || gamma > group) {
      throw new IllegalArgumentException(
          "grpo: expected a group of at least 2 and gamma from 2 to its size, found "
              + group
              + ", "
              + gamma);
    }
    if (batchGroups < 1 || roundGroups < 1 || refillsMax < 0) {
      throw new IllegalArgumentException(
          "grpo: expected batchGroups and roundGroups above 0, refillsMax of 0 and more, found "
              + batchGroups
              + ", "
              + roundGroups
              + ", "
              + refillsMax);
    }
  }

  /** The part of a batch that each of {@code workers} collects. */
  int share(int workers) {
    if (batchGroups % workers != 0) {
      throw new IllegalArgumentException(
          "batchGroups: expected a multiple of the " + workers + " workers, found " + batchGroups);
    }
    int share = batchGroups / workers;
    long most = roundGroups * (1L + refillsMax);
    if (most < share) {
      throw new IllegalArgumentException(
          "roundGroups: expected rounds that can fill "
              + share
              + " groups, found at most "
              + most
              + " in "
              + (1 + refillsMax));
    }
    return share;
  }
}
