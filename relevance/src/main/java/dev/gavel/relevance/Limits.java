package dev.gavel.relevance;

/** What a model accepts per call. Tokens are the model's. */
public record Limits(
    int itemsMax, int queryTokensMax, int itemTokensMax, int explainTokensMax, int samplesMax) {
  public static final Limits DEFAULT = new Limits(1000, 128, 256, 512, 16);
}
