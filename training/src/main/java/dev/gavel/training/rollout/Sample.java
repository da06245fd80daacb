package dev.gavel.training.rollout;

import java.util.Optional;

/**
 * A response as it is kept in a file, or as a teacher would give it.
 *
 * @param label index into the label set
 * @param ended whether the reasoning came to its end
 * @param text the reasoning
 * @param drawn the tokens, where they were kept
 */
public record Sample(int label, boolean ended, String text, Optional<Drawn> drawn) {
  /** The part of a {@link Rollout} of the same names. */
  public record Drawn(int[] tokens, boolean[] forced, double[] logProbs) {
    public Drawn {
      if (forced.length != tokens.length || logProbs.length != tokens.length) {
        throw new IllegalArgumentException(
            "sample: expected as many flags and log-probabilities as tokens, "
                + tokens.length
                + ", found "
                + forced.length
                + " and "
                + logProbs.length);
      }
    }
  }

  /** What a text says; it is tokenized when it is needed. */
  public static Sample ofText(int label, String text, boolean ended) {
    return new Sample(label, ended, text, Optional.empty());
  }

  /** A sampled response. */
  public static Sample of(Rollout rollout) {
    Drawn drawn = new Drawn(rollout.tokens(), rollout.forced(), rollout.logProbs());
    return new Sample(rollout.label(), rollout.ended(), rollout.text(), Optional.of(drawn));
  }

  /** Without tokens. */
  public Sample textOnly() {
    return ofText(label, text, ended);
  }
}
