package dev.gavel.engine;

/**
 * What an engine is and has done.
 *
 * @param device {@code cpu}, {@code cuda:N} or {@code cuda:N+M}, of which the sizes are sums
 * @param instructionSet CPU: {@code avx512_bf16}, {@code avx512_vnni}, {@code avx512}, {@code
 *     avx2_vnni}, {@code avx2} or {@code generic}
 * @param linearParameters parameters used in matrix products per token, the head excluded
 * @param batches batches completed
 * @param tokens rows computed, over all batches
 */
public record EngineInfo(
    String device,
    Quantization quantization,
    String instructionSet,
    int threads,
    int batchTokensMax,
    int blockTokens,
    int blocks,
    long parameters,
    long linearParameters,
    long weightBytes,
    long kvBytes,
    long kvBytesPerToken,
    long workspaceBytes,
    long batches,
    long tokens,
    long cancelledBatches) {}
