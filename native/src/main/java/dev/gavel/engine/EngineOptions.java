package dev.gavel.engine;

import java.util.List;

/**
 * The room an engine gets.
 *
 * @param device {@code cpu}, or {@code cuda:0} and so on; {@code cuda:0+1} deals the model out over
 *     these devices, for one that does not fit any of them
 * @param quantization one that the device takes ({@link Quantization#of})
 * @param threads CPU threads, the caller's included
 * @param batchTokensMax rows of the largest batch, the label trie's rows included; the workspace
 *     grows to the largest batch seen
 * @param blockTokens tokens per KV block
 * @param blocks KV blocks in the pool
 * @param cudaGraphs whether a CUDA device records small batches that come again, and launches them
 *     whole
 * @param cores the processors that threads are bound to, one each, the caller's during a call;
 *     empty: threads run where the system puts them
 */
public record EngineOptions(
    String device,
    Quantization quantization,
    int threads,
    int batchTokensMax,
    int blockTokens,
    int blocks,
    boolean cudaGraphs,
    List<Integer> cores) {

  public EngineOptions {
    cores = List.copyOf(cores);
  }

  /** With CUDA graphs, and threads that are not bound. */
  public EngineOptions(
      String device,
      Quantization quantization,
      int threads,
      int batchTokensMax,
      int blockTokens,
      int blocks) {
    this(device, quantization, threads, batchTokensMax, blockTokens, blocks, true, List.of());
  }

  /** CPU, fp32, all cores, batches of 4,096 rows, 1,024 blocks of 16 tokens. */
  public static EngineOptions defaults() {
    return new EngineOptions(
        "cpu", Quantization.FP32, Runtime.getRuntime().availableProcessors(), 4096, 16, 1024);
  }

  /** On a device, in what it computes by default. */
  public EngineOptions withDevice(String value) {
    return new EngineOptions(
        value,
        Quantization.defaultOf(value),
        threads,
        batchTokensMax,
        blockTokens,
        blocks,
        cudaGraphs,
        cores);
  }

  public EngineOptions withQuantization(Quantization value) {
    return new EngineOptions(
        device, value, threads, batchTokensMax, blockTokens, blocks, cudaGraphs, cores);
  }

  public EngineOptions withThreads(int value) {
    return new EngineOptions(
        device, quantization, value, batchTokensMax, blockTokens, blocks, cudaGraphs, cores);
  }

  public EngineOptions withBatchTokensMax(int value) {
    return new EngineOptions(
        device, quantization, threads, value, blockTokens, blocks, cudaGraphs, cores);
  }

  public EngineOptions withBlocks(int value) {
    return new EngineOptions(
        device, quantization, threads, batchTokensMax, blockTokens, value, cudaGraphs, cores);
  }

  public EngineOptions withCudaGraphs(boolean value) {
    return new EngineOptions(
        device, quantization, threads, batchTokensMax, blockTokens, blocks, value, cores);
  }

  /** As many threads as cores, each bound to one; none: threads stay as many and are not bound. */
  public EngineOptions withCores(List<Integer> value) {
    int count = value.isEmpty() ? threads : value.size();
    return new EngineOptions(
        device, quantization, count, batchTokensMax, blockTokens, blocks, cudaGraphs, value);
  }
}
