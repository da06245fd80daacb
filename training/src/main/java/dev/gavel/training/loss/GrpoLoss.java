package dev.gavel.training.loss;

import dev.gavel.training.torch.Torch;
import java.util.Arrays;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Group relative policy optimization (Shao et al., arXiv 2402.03300): the clipped surrogate of PPO
 * on group advantages, plus the k3 estimate of the divergence from the reference, exp(d) - d - 1
 * with d = reference - policy.
 *
 * @param clipLow the ratio of policy to sampler counts no lower than 1 - clipLow
 * @param clipHigh and no higher than 1 + clipHigh
 * @param klWeight of the divergence; 0 needs no reference
 * @param mean what is averaged
 */
public record GrpoLoss(double clipLow, double clipHigh, double klWeight, Mean mean) {
  /** How tokens are averaged. */
  public enum Mean {
    /** Over all tokens, so that every token counts the same (DAPO, arXiv 2503.14476). */
    TOKEN,
    /** Within each response, then over responses, as first published. */
    SEQUENCE
  }

  /**
   * A batch of sampled responses.
   *
   * @param policy [tokens] log-probabilities under the trained model
   * @param sampler [tokens] under the model that sampled them, no gradient
   * @param reference [tokens] under the reference, no gradient; null without a KL term
   * @param advantages of each response
   */
  public record Rollouts(
      Responses responses, Tensor policy, Tensor sampler, Tensor reference, double[] advantages) {
    public Rollouts {
      responses.check(policy, "policy");
      responses.check(sampler, "sampler");
      if (reference != null) {
        responses.check(reference, "reference");
      }
    }
  }

  /**
   * What a batch came to.
   *
   * @param kl mean k3 divergence per token, 0 without a reference
   * @param clipped share of tokens whose gradient the clip has cut off
   * @param deviation largest distance of a token's ratio of policy to sampler from 1
   */
  public record Result(Tensor loss, double kl, double clipped, double deviation) {}

  public GrpoLoss {
    if (!(clipLow >= 0 && clipLow <= 1) || !(clipHigh >= 0) || !(klWeight >= 0)) {
      throw new IllegalArgumentException(
          "grpo: expected 0 <= clipLow <= 1, clipHigh >= 0, klWeight >= 0, found "
              + clipLow
              + ", "
              + clipHigh
              + ", "
              + klWeight);
    }
  }

  /** The loss of a batch. */
  public Result of(Rollouts rollouts) {
    if (klWeight > 0 && rollouts.reference() == null) {
      throw new IllegalArgumentException("grpo: expected a reference for the KL term, found none");
    }
    Tensor ratio = rollouts.policy().sub(rollouts.sampler().detach()).exp();
    Tensor advantages = rollouts.responses().spread(rollouts.advantages(), ratio);
    Tensor perToken = torch.minimum(ratio.mul(advantages), clip(ratio).mul(advantages)).neg();
    double kl = 0;
    if (rollouts.reference() != null) {
      Tensor divergence = divergence(rollouts);
      kl = divergence.mean().item_double();
      perToken = klWeight > 0 ? perToken.add(divergence.mul(new Scalar(klWeight))) : perToken;
    }
    Tensor loss =
        mean == Mean.TOKEN ? perToken.mean() : meanOfMeans(rollouts.responses(), perToken);
    double[] ratios = Torch.doubles(ratio);
    return new Result(loss, kl, clippedShare(ratios, advantages), deviation(ratios));
  }

  private Tensor clip(Tensor ratio) {
    return torch.clamp(
        ratio,
        new ScalarOptional(new Scalar(1 - clipLow)),
        new ScalarOptional(new Scalar(1 + clipHigh)));
  }

  private static Tensor divergence(Rollouts rollouts) {
    Tensor difference = rollouts.reference().detach().sub(rollouts.policy());
    return difference.exp().sub(difference).sub(new Scalar(1.0));
  }

  private static Tensor meanOfMeans(Responses responses, Tensor perToken) {
    double[] shares = new double[responses.count()];
    for (int i = 0; i < shares.length; i++) {
      shares[i] = 1.0 / responses.lengths()[i] / shares.length;
    }
    return perToken.mul(responses.spread(shares, perToken)).sum();
  }

  private double clippedShare(double[] ratios, Tensor advantages) {
    double[] signs = Torch.doubles(advantages);
    int clipped = 0;
    for (int i = 0; i < ratios.length; i++) {
      boolean low = signs[i] < 0 && ratios[i] < 1 - clipLow;
      boolean high = signs[i] > 0 && ratios[i] > 1 + clipHigh;
      clipped += low || high ? 1 : 0;
    }
    return clipped / (double) ratios.length;
  }

  private static double deviation(double[] ratios) {
    return Arrays.stream(ratios).map(each -> Math.abs(each - 1)).max().orElse(0);
  }
}
