package dev.gavel.cli.bench;

import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.ModelConfig;

/**
 * The least time a scoring request can take: no machine that multiplies at {@code peak} and reads
 * memory at {@code bandwidth} does it faster.
 *
 * <p>F = 2 n T + 4 l w (P^2 / 2 + N (P L + L^2 / 2)) + 2 d K N operations, a multiplication and an
 * addition counted as two: linear layers, causal attention (scores and weighted values), label
 * head. The time is max(F / peak, (weight bytes + 2 KV bytes) / bandwidth): weights are read once,
 * keys and values written once and read once.
 *
 * @param linearParameters n, parameters used in matrix products per token, the head excluded
 * @param layers l
 * @param attentionWidth w, heads times head size; mostly d
 * @param hidden d
 * @param labels K, rows of the label head
 * @param weightBytes bytes of all weights as they are computed on
 * @param kvBytesPerToken bytes of keys and values of one token, over all layers
 */
public record RooflineLimit(
    long linearParameters,
    int layers,
    int attentionWidth,
    int hidden,
    int labels,
    long weightBytes,
    long kvBytesPerToken) {

  /** The limit of a loaded model. */
  public static RooflineLimit of(ModelConfig config, EngineInfo info, int labels) {
    return new RooflineLimit(
        info.linearParameters(),
        config.layers(),
        config.heads() * config.headDim(),
        config.hidden(),
        labels,
        info.weightBytes(),
        info.kvBytesPerToken());
  }

  /** F, in operations. */
  public double operations(ScoreShape shape) {
    double p = shape.prefix();
    double n = shape.items();
    double l = shape.itemTokens();
    double linear = 2.0 * linearParameters * shape.tokens();
    double attention = 4.0 * layers * attentionWidth * (p * p / 2 + n * (p * l + l * l / 2));
    double head = 2.0 * hidden * labels * n;
    return linear + attention + head;
  }

  /** Weight bytes + 2 KV bytes. */
  public double bytes(ScoreShape shape) {
    return weightBytes + 2.0 * kvBytesPerToken * shape.tokens();
  }

  /**
   * Seconds at least.
   *
   * @param peak operations per second
   * @param bandwidth bytes per second
   */
  public double seconds(ScoreShape shape, double peak, double bandwidth) {
    return Math.max(operations(shape) / peak, bytes(shape) / bandwidth);
  }
}
