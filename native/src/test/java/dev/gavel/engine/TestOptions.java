package dev.gavel.engine;

/** Engine options of the tests. */
final class TestOptions {
  private TestOptions() {}

  /** CPU, fp32, two threads, batches of 4,096 rows, and a pool of at least 4,096 tokens. */
  static EngineOptions blocks(int blockTokens) {
    return new EngineOptions(
        "cpu", Quantization.FP32, 2, 4096, blockTokens, (4096 + blockTokens - 1) / blockTokens);
  }
}
