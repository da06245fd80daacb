package dev.gavel.relevance.model;

import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.RopeScaling;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A named model shape, for benchmarks and tests without a checkpoint.
 *
 * @param name for example {@code smollm2-135m}
 */
public record ModelShape(String name, ModelConfig config) {
  private static final int QWEN_VOCABULARY = 151_936;
  private static final Map<String, ModelShape> ALL = new LinkedHashMap<>();

  static {
    Dense tiny = new Dense("llama", 512, 64, 2, 4, 2, 16, 128, 2048, 1e4, true);
    add("tiny", tiny);
    add("tiny-llama", tiny);
    add("tiny-qwen2", new Dense("qwen2", 512, 64, 2, 4, 2, 16, 128, 2048, 1e6, true));
    add("tiny-qwen3", new Dense("qwen3", 512, 64, 2, 4, 2, 32, 128, 2048, 1e6, false));
    Dense tinySparse = new Dense("qwen3_moe", 512, 64, 3, 4, 2, 32, 128, 2048, 1e6, false);
    addSparse("qwen3-moe-tiny", tinySparse, 8, 2, 48, 0);
    add("small-12m", new Dense("llama", 8192, 384, 6, 6, 2, 64, 1024, 2048, 1e4, true));
    add("small-52m", new Dense("llama", 16_384, 576, 12, 9, 3, 64, 1536, 2048, 1e5, true));
    add("smollm2-135m", new Dense("llama", 49_152, 576, 30, 9, 3, 64, 1536, 8192, 1e5, true));
    add("smollm2-360m", new Dense("llama", 49_152, 960, 32, 15, 5, 64, 2560, 8192, 1e5, true));
    add("smollm2-1.7b", new Dense("llama", 49_152, 2048, 24, 32, 32, 64, 8192, 8192, 1.3e5, true));
    add("qwen2.5-0.5b", qwen("qwen2", 896, 24, 14, 2, 64, 4864, 32_768, true));
    add("qwen2.5-1.5b", qwen("qwen2", 1536, 28, 12, 2, 128, 8960, 32_768, true));
    add("qwen3-0.6b", qwen("qwen3", 1024, 28, 16, 8, 128, 3072, 40_960, true));
    add("qwen3-1.7b", qwen("qwen3", 2048, 28, 16, 8, 128, 6144, 40_960, true));
    add("qwen3-4b", qwen("qwen3", 2560, 36, 32, 8, 128, 9728, 40_960, true));
    add("qwen3-8b", qwen("qwen3", 4096, 36, 32, 8, 128, 12_288, 40_960, false));
    Dense sparse = qwen("qwen3_moe", 2048, 48, 32, 4, 128, 6144, 40_960, false);
    addSparse("qwen3-30b-a3b", sparse, 128, 8, 768, -1);
  }

  /** The numbers that differ between dense shapes. */
  private record Dense(
      String architecture,
      int vocabulary,
      int hidden,
      int layers,
      int heads,
      int kvHeads,
      int headDim,
      int intermediate,
      int maxPositions,
      double ropeTheta,
      boolean tied) {

    ModelConfig config(int experts, int perToken, int expertIntermediate, BitSet denseLayers) {
      return new ModelConfig(
          architecture,
          vocabulary,
          hidden,
          layers,
          heads,
          kvHeads,
          headDim,
          intermediate,
          maxPositions,
          ropeTheta,
          RopeScaling.NONE,
          architecture.equals("llama") ? 1e-5 : 1e-6,
          architecture.equals("qwen2"),
          architecture.startsWith("qwen3"),
          tied,
          experts,
          perToken,
          expertIntermediate,
          experts > 0,
          denseLayers);
    }
  }

  private static Dense qwen(
      String architecture,
      int hidden,
      int layers,
      int heads,
      int kvHeads,
      int headDim,
      int intermediate,
      int maxPositions,
      boolean tied) {
    return new Dense(
        architecture,
        QWEN_VOCABULARY,
        hidden,
        layers,
        heads,
        kvHeads,
        headDim,
        intermediate,
        maxPositions,
        1e6,
        tied);
  }

  private static void add(String name, Dense dense) {
    ALL.put(name, new ModelShape(name, dense.config(0, 0, 0, new BitSet())));
  }

  /** {@code denseLayer} is the one dense layer, or -1. */
  private static void addSparse(
      String name, Dense dense, int experts, int perToken, int intermediate, int denseLayer) {
    BitSet layers = new BitSet();
    if (denseLayer >= 0) {
      layers.set(denseLayer);
    }
    ALL.put(name, new ModelShape(name, dense.config(experts, perToken, intermediate, layers)));
  }

  /** The names, smallest shapes first. */
  public static List<String> names() {
    return List.copyOf(ALL.keySet());
  }

  /**
   * The shape of that name.
   *
   * @throws IllegalArgumentException naming the known ones
   */
  public static ModelShape of(String name) {
    ModelShape shape = ALL.get(name);
    if (shape == null) {
      throw new IllegalArgumentException("shape: expected one of " + names() + ", found " + name);
    }
    return shape;
  }

  /** Parameters of a model of this shape. */
  public long parameters() {
    return TensorSpec.parameters(config);
  }
}
