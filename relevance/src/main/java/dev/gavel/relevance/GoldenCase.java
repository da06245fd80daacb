package dev.gavel.relevance;

import java.util.Map;

/**
 * A pair with the distribution that the model is known to give it: a check that weights, tokenizer
 * and prompt belong together.
 *
 * @param distribution probability by label name
 * @param tolerance largest absolute difference of a probability that passes
 */
public record GoldenCase(
    String query, Item item, Map<String, Double> distribution, double tolerance) {
  public GoldenCase {
    distribution = Map.copyOf(distribution);
  }
}
