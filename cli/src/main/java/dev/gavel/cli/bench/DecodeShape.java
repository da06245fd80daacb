package dev.gavel.cli.bench;

/**
 * One round of decoding.
 *
 * @param streams decoded together
 * @param prompt tokens that each stream begins with
 * @param tokens decoded in each stream behind its prompt, one a step
 */
public record DecodeShape(int streams, int prompt, int tokens) {
  public DecodeShape {
    Bounds.atLeast(1, "--streams", streams);
    Bounds.atLeast(1, "--prompt", prompt);
    Bounds.atLeast(1, "--tokens", tokens);
  }

  /** Tokens of a stream at its end. */
  public int length() {
    return Math.addExact(prompt, tokens);
  }

  /** Tokens that a step's row sees, itself included, in the mean over the steps. */
  public double meanContext() {
    return prompt + (tokens + 1) / 2.0;
  }
}
