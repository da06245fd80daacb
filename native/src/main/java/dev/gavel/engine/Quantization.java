package dev.gavel.engine;

/** How linear layers compute, in the order of {@code gavel.h}. */
public enum Quantization {
  /** 32-bit floating point: the exact path. */
  FP32,
  /** 8-bit weights per output channel, 8-bit activations per token. */
  INT8;

  /** The name users type and see: {@code fp32}, {@code int8}. */
  public String id() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
