package dev.gavel.engine;

import java.util.BitSet;

/** Shapes of the tests. */
final class TestConfigs {
  private TestConfigs() {}

  /** A dense model of 128 positions without biases and norms of heads. */
  static ModelConfig dense(
      String architecture,
      int vocabulary,
      int hidden,
      int layers,
      int heads,
      int kvHeads,
      int headDim,
      int intermediate,
      boolean tiedEmbeddings) {
    return new ModelConfig(
        architecture,
        vocabulary,
        hidden,
        layers,
        heads,
        kvHeads,
        headDim,
        intermediate,
        128,
        10_000,
        RopeScaling.NONE,
        1e-6,
        false,
        false,
        tiedEmbeddings,
        0,
        0,
        0,
        false,
        new BitSet());
  }
}
