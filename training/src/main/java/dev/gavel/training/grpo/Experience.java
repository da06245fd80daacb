package dev.gavel.training.grpo;

import dev.gavel.training.loss.Advantages;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.rollout.Rollout;
import java.util.ArrayList;
import java.util.List;

/** A response to learn from; {@code [drawn]} are its tokens that were drawn from the policy. */
final class Experience {
  /** Prompt and response; the drawn tokens are its targets. */
  final PackedBatch.Sequence sequence;

  final double advantage;

  /**
   * [drawn] log-probabilities that the ratio starts at; null until the trainer has computed them.
   */
  double[] old;

  /** [drawn] under the reference; null where there is none. */
  double[] reference;

  Experience(PackedBatch.Sequence sequence, double advantage, double[] old) {
    this.sequence = sequence;
    this.advantage = advantage;
    this.old = old;
  }

  int drawn() {
    return sequence.targets().length;
  }

  /** The responses of groups, with their advantages. */
  static List<Experience> of(List<Group> groups, GrpoSettings.AdvantageRule rule, boolean keepOld) {
    List<Experience> out = new ArrayList<>();
    for (Group group : groups) {
      double[] rewards = group.rewards();
      double[] advantages = Advantages.of(rewards, rewards.length, rule.scaled(), rule.clamp());
      for (int i = 0; i < rewards.length; i++) {
        Rollout response = group.responses().get(i);
        PackedBatch.Sequence sequence = response.sequence();
        if (sequence.targets().length == 0) {
          throw new IllegalStateException(
              "pair " + group.pair() + ": expected a token that was drawn, found none");
        }
        double[] old = keepOld ? response.ownLogProbs() : null;
        out.add(new Experience(sequence, advantages[i], old));
      }
    }
    return out;
  }
}
