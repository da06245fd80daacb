package dev.gavel.engine;

/** How linear layers compute, in the order of {@code gavel.h}. */
public enum Quantization {
  /** 32-bit floating point: the exact path. */
  FP32(4),
  /** 8-bit weights per output channel, 8-bit activations per token. */
  INT8(2);

  private final int keyValueBytes;

  Quantization(int keyValueBytes) {
    this.keyValueBytes = keyValueBytes;
  }

  /** Bytes of one element of keys and values: fp32, or bf16 beside 8-bit layers. */
  public int keyValueBytes() {
    return keyValueBytes;
  }

  /** The name users type and see: {@code fp32}, {@code int8}. */
  public String id() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
