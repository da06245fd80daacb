package dev.gavel.training.grpo;

import dev.gavel.training.rollout.Rollout;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;

/**
 * What a response earns: 1 for the right label, and less for how it was argued.
 *
 * @param formatWeight earned by a response that ended and is well formed; 0 for none
 * @param consistencyWeight earned by reasoning that concludes the label it stands beside, be it
 *     right or wrong: it answers the discriminative hallucination of TaoSR1; 0 for none
 * @param wellFormed asked where {@code formatWeight} is above 0
 * @param conclusion the label that the reasoning itself concludes, or -1; asked where {@code
 *     consistencyWeight} is above 0
 */
public record Reward(
    double formatWeight,
    double consistencyWeight,
    Predicate<Rollout> wellFormed,
    ToIntFunction<Rollout> conclusion) {

  /** The label alone, as in the paper. */
  public static final Reward LABEL = new Reward(0, 0, response -> true, response -> -1);

  public Reward {
    if (!(formatWeight >= 0) || !(consistencyWeight >= 0)) {
      throw new IllegalArgumentException(
          "reward: expected weights of 0 and more, found "
              + formatWeight
              + ", "
              + consistencyWeight);
    }
  }

  /** The reward of a response to a pair of the label {@code truth}. */
  public double of(Rollout response, int truth) {
    double out = response.label() == truth ? 1 : 0;
    if (formatWeight > 0 && response.ended() && wellFormed.test(response)) {
      out += formatWeight;
    }
    if (consistencyWeight > 0
        && response.label() >= 0
        && conclusion.applyAsInt(response) == response.label()) {
      out += consistencyWeight;
    }
    return out;
  }
}
