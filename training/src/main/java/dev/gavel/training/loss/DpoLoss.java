package dev.gavel.training.loss;

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
 */
public record DpoLoss(double beta, double nllWeight) {
  public DpoLoss {
    if (!(beta > 0) || !(nllWeight >= 0)) {
      throw new IllegalArgumentException(
          "dpo: expected beta > 0 and nllWeight >= 0, found " + beta + ", " + nllWeight);
    }
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

    /** [pairs] sums of policy minus reference. */
    Tensor logRatios() {
      return responses.sums(policy.sub(reference.detach()));
    }
  }

  /**
   * What a batch came to.
   *
   * @param loss mean over the pairs
   * @param margins [pairs] beta times the difference of log-ratios; above 0 the policy prefers the
   *     chosen response more than the reference does
   */
  public record Result(Tensor loss, Tensor margins) {}

  /** The loss of as many chosen responses as rejected ones, pair by pair. */
  public Result of(Side chosen, Side rejected) {
    if (chosen.responses().count() != rejected.responses().count()) {
      throw new IllegalArgumentException(
          "dpo: expected as many rejected as chosen responses, "
              + chosen.responses().count()
              + ", found "
              + rejected.responses().count());
    }
    Tensor margins = chosen.logRatios().sub(rejected.logRatios()).mul(new Scalar(beta));
    Tensor loss = torch.log_sigmoid(margins).mean().neg();
    if (nllWeight > 0) {
      loss = loss.sub(chosen.policy().mean().mul(new Scalar(nllWeight)));
    }
    return new Result(loss, margins.detach());
  }
}
