package dev.gavel.training.grpo;

/**
 * One sampled response.
 *
 * @param tokens [length] the response, without its prompt
 * @param drawn [length] whether a token was drawn from the policy; cues that are put between label
 *     and reasoning are not, and have no part in the loss
 * @param logProbs [length] under the policy that drew them, at temperature 1; of no meaning where
 *     nothing was drawn
 * @param text the reasoning
 * @param label index into the label set, or -1 if the response gave none
 * @param ended whether the response came to its end by itself
 */
public record Sampled(
    int[] tokens, boolean[] drawn, double[] logProbs, String text, int label, boolean ended) {

  public Sampled {
    if (tokens.length != drawn.length || tokens.length != logProbs.length) {
      throw new IllegalArgumentException(
          "response: expected as many flags and log-probabilities as tokens, "
              + tokens.length
              + ", found "
              + drawn.length
              + " and "
              + logProbs.length);
    }
    int count = 0;
    for (int i = 0; i < drawn.length; i++) {
      count += drawn[i] ? 1 : 0;
      if (drawn[i] && !(logProbs[i] <= 0)) {
        throw new IllegalArgumentException(
            "token " + i + ": expected a log-probability, found " + logProbs[i]);
      }
    }
    if (count == 0) {
      throw new IllegalArgumentException("response: expected a drawn token, found none");
    }
  }
}
