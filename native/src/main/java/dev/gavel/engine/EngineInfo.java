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
 * @param graphs of a CUDA device
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
    long cancelledBatches,
    Graphs graphs) {

  /**
   * Batches that a CUDA device has recorded to launch them whole when their shape comes again.
   *
   * @param held shapes recorded now
   * @param replays batches launched so
   * @param failures shapes that could not be recorded; their batches are launched kernel by kernel
   */
  public record Graphs(long held, long replays, long failures) {
    public static final Graphs NONE = new Graphs(0, 0, 0);
  }

  /** Of a device without graphs. */
  public EngineInfo(
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
      long cancelledBatches) {
    this(
        device,
        quantization,
        instructionSet,
        threads,
        batchTokensMax,
        blockTokens,
        blocks,
        parameters,
        linearParameters,
        weightBytes,
        kvBytes,
        kvBytesPerToken,
        workspaceBytes,
        batches,
        tokens,
        cancelledBatches,
        Graphs.NONE);
  }
}
