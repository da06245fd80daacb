package dev.gavel.training.grpo;

import dev.gavel.training.loss.Advantages;
import dev.gavel.training.model.PackedBatch;
import java.util.ArrayList;
import java.util.Arrays;
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
  static List<Experience> of(
      List<Group> groups, List<int[]> prompts, GrpoSettings.AdvantageRule rule, boolean keepOld) {
    List<Experience> out = new ArrayList<>();
    for (Group group : groups) {
      double[] rewards = group.rewards();
      double[] advantages = Advantages.of(rewards, rewards.length, rule.scaled(), rule.clamp());
      int[] prompt = prompts.get(group.pair());
      for (int i = 0; i < rewards.length; i++) {
        Sampled response = group.responses().get(i);
        double[] old = keepOld ? drawn(response) : null;
        out.add(new Experience(sequence(prompt, response), advantages[i], old));
      }
    }
    return out;
  }

  private static double[] drawn(Sampled response) {
    double[] out = new double[response.tokens().length];
    int count = 0;
    for (int i = 0; i < out.length; i++) {
      if (response.drawn()[i]) {
        out[count++] = response.logProbs()[i];
      }
    }
    return Arrays.copyOf(out, count);
  }

  private static PackedBatch.Sequence sequence(int[] prompt, Sampled response) {
    PackedBatch.Sequence whole = PackedBatch.Sequence.of(prompt, response.tokens());
    int[] rows = new int[whole.rows().length];
    int[] targets = new int[rows.length];
    int count = 0;
    for (int i = 0; i < rows.length; i++) {
      if (response.drawn()[i]) {
        rows[count] = whole.rows()[i];
        targets[count++] = whole.targets()[i];
      }
    }
    double[] weights = new double[count];
    Arrays.fill(weights, 1);
    return new PackedBatch.Sequence(
        whole.tokens(), Arrays.copyOf(rows, count), Arrays.copyOf(targets, count), weights);
  }
}
