package dev.gavel.cli.bench;

import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.ModelConfig;

/**
 * The least that a decoding step must read: every weight that a token is multiplied with, once for
 * all streams, and the keys and values of each stream.
 *
 * <p>Counted from below: scales, and what an int8 engine keeps in fp32, are left out; of a mixture
 * of experts only as many experts are counted as one token uses.
 *
 * @param parameters used in matrix products per token, the head included
 * @param parameterBytes 1 in int8 and fp8, 2 in bf16 and fp16, 4 in fp32
 * @param kvBytesPerToken bytes of keys and values of one token, over all layers
 */
public record DecodeLimit(long parameters, int parameterBytes, long kvBytesPerToken) {

  /** The limit of a loaded model. */
  public static DecodeLimit of(ModelConfig config, EngineInfo info) {
    long head = (long) config.vocabulary() * config.hidden();
    return new DecodeLimit(
        info.linearParameters() + head, info.quantization().weightBytes(), info.kvBytesPerToken());
  }

  /** Bytes of one step. */
  public double bytes(DecodeShape shape) {
    return (double) parameters * parameterBytes
        + shape.streams() * shape.meanContext() * kvBytesPerToken;
  }

  /**
   * Seconds of one step at least.
   *
   * @param bandwidth bytes per second
   */
  public double seconds(DecodeShape shape, double bandwidth) {
    return bytes(shape) / bandwidth;
  }
}
