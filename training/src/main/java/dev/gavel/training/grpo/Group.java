package dev.gavel.training.grpo;

import dev.gavel.training.rollout.Rollout;
import java.util.Arrays;
import java.util.List;

/**
 * The responses to one pair.
 *
 * @param pair index into the pairs of the run
 * @param rewards of each response
 * @param right responses with the right label
 */
record Group(int pair, List<Rollout> responses, double[] rewards, int right) {

  static Group of(int pair, int truth, List<Rollout> responses, Reward reward) {
    double[] rewards = responses.stream().mapToDouble(each -> reward.of(each, truth)).toArray();
    int right = (int) responses.stream().filter(each -> each.label() == truth).count();
    return new Group(pair, responses, rewards, right);
  }

  double rewardSum() {
    return Arrays.stream(rewards).sum();
  }

  long tokens() {
    return responses.stream().mapToLong(each -> each.tokens().length).sum();
  }
}
