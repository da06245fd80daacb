package dev.gavel.engine;

import java.util.BitSet;

/**
 * Shape of a decoder-only transformer with RMSNorm, rotary positions, grouped-query attention and
 * SwiGLU: Llama (SmolLM2), Qwen2, Qwen3 and Qwen3-MoE differ only in these fields.
 *
 * @param architecture display name: {@code llama}, {@code qwen2}, {@code qwen3}, {@code qwen3_moe}
 * @param intermediate width of the dense feed-forward
 * @param qkvBias biases on q, k and v (Qwen2)
 * @param qkNorm RMSNorm on every head of q and k (Qwen3)
 * @param tiedEmbeddings the head is the embedding
 * @param experts number of experts, 0 for a dense model
 * @param normalizeExperts weights of the chosen experts sum to 1
 * @param denseLayers layers of a mixture-of-experts model that are dense; empty otherwise
 */
public record ModelConfig(
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
    RopeScaling ropeScaling,
    double rmsEpsilon,
    boolean qkvBias,
    boolean qkNorm,
    boolean tiedEmbeddings,
    int experts,
    int expertsPerToken,
    int expertIntermediate,
    boolean normalizeExperts,
    BitSet denseLayers) {

  /** Whether layer {@code layer} routes to experts. */
  public boolean isSparse(int layer) {
    return experts > 0 && !denseLayers.get(layer);
  }
}
