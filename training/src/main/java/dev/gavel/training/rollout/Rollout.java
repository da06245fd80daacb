package dev.gavel.training.rollout;

import dev.gavel.training.model.PackedBatch;
import java.util.stream.IntStream;

/**
 * One sampled response.
 *
 * @param pair its place in the list that was sampled for
 * @param path from 0
 * @param prompt what it answers; one array for all responses to a pair
 * @param tokens the response only
 * @param forced [tokens] what the policy did not choose (cues): no log-probability, not to be
 *     learned from
 * @param logProbs [tokens] under the full softmax at temperature 1; 0 where forced
 * @param text the reasoning, without stop texts and cues
 * @param label index into the label set
 * @param ended whether the reasoning came to its end before the limit; true without reasoning
 */
public record Rollout(
    int pair,
    int path,
    int[] prompt,
    int[] tokens,
    boolean[] forced,
    double[] logProbs,
    String text,
    int label,
    boolean ended) {

  /** What a trainer computes: its targets are the policy's own tokens, in order. */
  public PackedBatch.Sequence sequence() {
    return PackedBatch.Sequence.of(prompt, tokens, forced);
  }

  /** Log-probabilities of the targets of {@link #sequence}. */
  public double[] ownLogProbs() {
    return IntStream.range(0, tokens.length)
        .filter(i -> !forced[i])
        .mapToDouble(i -> logProbs[i])
        .toArray();
  }
}
