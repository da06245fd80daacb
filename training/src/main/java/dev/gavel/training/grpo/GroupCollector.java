package dev.gavel.training.grpo;

import dev.gavel.training.data.Sampler;
import dev.gavel.training.loss.Advantages;
import dev.gavel.training.rollout.Rollout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Fills batches with groups that are neither too easy nor too hard: 0 &lt; right &lt; gamma
 * (TaoSR1, difficulty-based dynamic sampling). Groups are sampled in rounds; as long as some are
 * missing there is another, up to a bound. What a round gave too much is for the next batch, as
 * long as the policy stays.
 */
final class GroupCollector {
  /** What the rounds of one batch came to. */
  static final class Tally {
    int sampled;
    int kept;
    int allRight;
    int allWrong;
    int rounds;
    int dropped; // kept groups that are left over by the last batch of a policy
    double reward;
    long right;
    long tokens;
    double seconds;

    private void add(Group group, int size, boolean isKept) {
      sampled++;
      kept += isKept ? 1 : 0;
      allRight += group.right() == size ? 1 : 0;
      allWrong += group.right() == 0 ? 1 : 0;
      reward += group.rewardSum();
      right += group.right();
      tokens += group.tokens();
    }
  }

  /**
   * @param groups as many as were wanted, or fewer where the rounds did not suffice
   */
  record Collected(List<Group> groups, Tally tally) {}

  private final PairPool pool;
  private final RolloutSource source;
  private final int[] labels;
  private final Reward reward;
  private final GroupRule rule;
  private final Deque<Group> left = new ArrayDeque<>();

  GroupCollector(PairPool pool, RolloutSource source, int[] labels, Reward reward, GroupRule rule) {
    this.pool = pool;
    this.source = source;
    this.labels = labels.clone();
    this.reward = reward;
    this.rule = rule;
  }

  /**
   * Collects a batch.
   *
   * @param seed of this batch
   * @param last whether the policy changes after it: then what is left over is dropped
   */
  Collected collect(int wanted, long seed, boolean last) {
    long start = System.nanoTime();
    Tally tally = new Tally();
    while (left.size() < wanted && tally.rounds <= rule.refillsMax()) {
      round(tally, Sampler.random(seed, tally.rounds).nextLong());
      tally.rounds++;
    }
    List<Group> out = new ArrayList<>();
    while (out.size() < wanted && !left.isEmpty()) {
      out.add(left.poll());
    }
    if (last) {
      tally.dropped = left.size();
      left.clear();
    }
    tally.seconds = (System.nanoTime() - start) * 1e-9;
    return new Collected(out, tally);
  }

  private void round(Tally tally, long seed) {
    int[] pairs = pool.next(rule.roundGroups());
    List<List<Rollout>> answers = source.sample(pairs, rule.group(), seed);
    require("groups", pairs.length, answers.size());
    for (int i = 0; i < pairs.length; i++) {
      require("responses of pair " + pairs[i], rule.group(), answers.get(i).size());
      Group group = Group.of(pairs[i], labels[pairs[i]], answers.get(i), reward);
      boolean isKept = Advantages.isKept(group.right(), rule.gamma());
      tally.add(group, rule.group(), isKept);
      if (isKept) {
        left.add(group);
      }
    }
  }

  private static void require(String what, int expected, int found) {
    if (expected != found) {
      throw new IllegalStateException(what + ": expected " + expected + ", found " + found);
    }
  }
}
