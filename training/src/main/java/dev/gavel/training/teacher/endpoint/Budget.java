package dev.gavel.training.teacher.endpoint;

import dev.gavel.training.teacher.TeachingStoppedException;

/**
 * What may be spent. Requests count when they are sent, repeated ones as well; tokens (of prompts
 * and answers) when the endpoint reports them, so that requests under way may go beyond the limit.
 * Thread-safe.
 */
public final class Budget {
  private final long requestsMax;
  private final long tokensMax;
  private long requests;
  private long tokens;

  /**
   * @param requestsMax 0 for any number
   * @param tokensMax 0 for any number
   */
  public Budget(long requestsMax, long tokensMax) {
    if (requestsMax < 0 || tokensMax < 0) {
      throw new IllegalArgumentException(
          "requestsMax, tokensMax: expected 0 or more, found " + requestsMax + ", " + tokensMax);
    }
    this.requestsMax = requestsMax;
    this.tokensMax = tokensMax;
  }

  /**
   * Counts a request that is about to be sent.
   *
   * @throws TeachingStoppedException if the budget is spent
   */
  synchronized void request() {
    if (requestsMax > 0 && requests >= requestsMax) {
      throw new TeachingStoppedException("the budget of " + requestsMax + " requests is spent");
    }
    if (tokensMax > 0 && tokens >= tokensMax) {
      throw new TeachingStoppedException(
          "the budget of " + tokensMax + " tokens is spent: " + tokens + " were used");
    }
    requests++;
  }

  synchronized void spend(long used) {
    tokens += used;
  }

  /** Requests sent. */
  public synchronized long requests() {
    return requests;
  }

  /** Tokens that the endpoint reported. */
  public synchronized long tokens() {
    return tokens;
  }
}
