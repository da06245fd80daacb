package dev.gavel.training.loss;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** Cross-entropy on the response; prompt tokens have no part in it. */
public final class SftLoss {
  private SftLoss() {}

  /**
   * The negative log-likelihood of the response tokens over {@code normalizer}, which is the number
   * of response tokens of the whole optimizer step: then micro-batches of any size add up to the
   * mean over all of its tokens.
   *
   * @param logProbs [tokens] of the response tokens
   */
  public static Tensor of(Tensor logProbs, double normalizer) {
    return logProbs.sum().mul(new Scalar(-1 / normalizer));
  }

  /**
   * The same with a weight for each token; {@code normalizer} is the sum of the step's weights.
   *
   * @param weights [tokens], no gradient
   */
  public static Tensor weighted(Tensor logProbs, Tensor weights, double normalizer) {
    return of(logProbs.mul(weights), normalizer);
  }
}
