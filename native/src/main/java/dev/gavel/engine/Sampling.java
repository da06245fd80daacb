package dev.gavel.engine;

/**
 * How one token is drawn.
 *
 * @param temperature 0 is greedy
 * @param topK 0 keeps all
 * @param topP 1 keeps all
 * @param seed with the draw's number fixes the random number, whatever else is in the batch
 */
public record Sampling(float temperature, int topK, float topP, long seed) {
  /** The most probable token. */
  public static final Sampling GREEDY = new Sampling(0f, 0, 1f, 0L);

  public Sampling {
    if (!(temperature >= 0 && temperature <= 10)) {
      throw new IllegalArgumentException("temperature: expected 0 to 10, found " + temperature);
    }
    if (topK < 0) {
      throw new IllegalArgumentException("top_k: expected 0 or more, found " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("top_p: expected more than 0, at most 1, found " + topP);
    }
  }

  public Sampling withSeed(long value) {
    return new Sampling(temperature, topK, topP, value);
  }
}
