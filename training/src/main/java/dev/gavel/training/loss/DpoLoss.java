package dev.gavel.training.loss;

import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Direct preference optimization (Rafailov et al., arXiv 2305.18290): minus log sigmoid of beta
 * times how much more the policy prefers the chosen response over the rejected one than the
 * reference does. Optionally plus the cross-entropy on the chosen response, which keeps its
 * probability from falling (Pang et al., arXiv 2404.19733).
 *
 * @param beta strength of the tie to the reference
 * @param nllWeight of the cross-entropy, meaned over the chosen tokens; 0 for none
 * @param lengthNormalized whether log-ratios are means over a response's tokens instead of sums, so
 *     that long responses have no more say (Lambert et al., arXiv 2411.15124); wants a larger beta
 */
public record DpoLoss(double beta, double nllWeight, boolean lengthNormalized) {
  public DpoLoss {
    if (!(beta > 0) || !(nllWeight >= 0)) {
      throw new IllegalArgumentException(
          "dpo: expected beta > 0 and nllWeight >= 0, found " + beta + ", " + nllWeight);
    }
  }

  /** As first published: sums. */
  public DpoLoss(double beta, double nllWeight) {
    this(beta, nllWeight, false);
  }

  /**
   * One side of the pairs.
   *
   * @param policy [tokens] log-probabilities under the trained model
   * @param reference [tokens] under the reference, no gradient
   */
  public record Side(Responses responses, Tensor policy, Tensor reference) {
    public Side {
      responses.check(policy, "policy");
      responses.check(reference, "reference");
    }
  }

  /**
   * What a batch came to.
   *
   * @param chosenRewards [pairs] beta times the log-ratio of policy to reference; no gradient
   * @param rejectedRewards [pairs]
   */
  public record Result(Tensor loss, Tensor chosenRewards, Tensor rejectedRewards) {
    /** [pairs] Above 0 the policy prefers the chosen response more than the reference does. */
    public Tensor margins() {
      return chosenRewards.sub(rejectedRewards);
    }
  }

  /** The loss of as many chosen responses as rejected ones, pair by pair: the mean over them. */
  public Result of(Side chosen, Side rejected) {
    return of(chosen, rejected, chosen.responses().count(), chosen.responses().tokens());
  }

  /**
   * The part that a micro-batch has in the loss of a step: micro-batches of any size add up to the
   * mean over the step.
   *
   * @param pairs of the whole step
   * @param chosenTokens of the whole step
   */
  public Result of(Side chosen, Side rejected, double pairs, double chosenTokens) {
    if (chosen.responses().count() != rejected.responses().count()) {
      throw new IllegalArgumentException(
          "dpo: expected as many rejected as chosen responses, "
              + chosen.responses().count()
              + ", found "
              + rejected.responses().count());
    }
    Tensor chosenRewards = rewards(chosen);
    Tensor rejectedRewards = rewards(rejected);
    Tensor loss =
        torch.log_sigmoid(chosenRewards.sub(rejectedRewards)).sum().mul(new Scalar(-1 / pairs));
    if (nllWeight > 0) {
      loss = loss.add(SftLoss.of(chosen.policy(), chosenTokens).mul(new Scalar(nllWeight)));
    }
    return new Result(loss, chosenRewards.detach(), rejectedRewards.detach());
  }

  /** [pairs] */
  private Tensor rewards(Side side) {
    Tensor perToken = side.policy().sub(side.reference().detach());
    if (lengthNormalized) {
      double[] shares =
          Arrays.stream(side.responses().lengths()).mapToDouble(n -> 1.0 / n).toArray();
      perToken = perToken.mul(side.responses().spread(shares, perToken));
    }
    return side.responses().sums(perToken).mul(new Scalar(beta));
  }
}
