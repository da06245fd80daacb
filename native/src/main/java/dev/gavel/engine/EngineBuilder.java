package dev.gavel.engine;

import java.nio.ByteBuffer;

/**
 * Hands a checkpoint to the native engine, tensor by tensor.
 *
 * <pre>{@code
 * try (EngineBuilder builder = EngineBuilder.create(config, options)) {
 *   builder.tensor("model.norm.weight", DType.BF16, new long[] {576}, buffer);
 *   ...
 *   return builder.build();
 * }
 * }</pre>
 */
public interface EngineBuilder extends AutoCloseable {

  /**
   * Starts an engine.
   *
   * @throws EngineException INVALID_ARGUMENT for a shape that cannot be, UNAVAILABLE for a device
   *     that is not there
   */
  static EngineBuilder create(ModelConfig config, EngineOptions options) {
    return new NativeEngineBuilder(config, options, null);
  }

  /**
   * Starts the engine of one rank of a model that is dealt out over processes. Every rank is given
   * all tensors, and keeps its share of them.
   *
   * @throws EngineException as above, and INVALID_ARGUMENT where the model's KV heads or widths are
   *     no multiple of the number of ranks
   */
  static EngineBuilder create(ModelConfig config, EngineOptions options, Rank rank) {
    return new NativeEngineBuilder(config, options, rank);
  }

  /**
   * Copies one tensor by its Hugging Face name.
   *
   * @param data a direct buffer whose remaining bytes are the tensor, row-major, little-endian
   * @throws EngineException INVALID_ARGUMENT for an unknown name, a wrong shape, a wrong size or a
   *     tensor given twice
   */
  void tensor(String name, DType dtype, long[] shape, ByteBuffer data);

  /**
   * Tells of a prompt like those to come; several are better. An int8 engine on a CPU rounds its
   * weights so that what such prompts yield changes least; others ignore them. Without any, weights
   * are rounded to the nearest.
   *
   * @param tokens at least one, at most as many as the model has positions
   * @throws EngineException INVALID_ARGUMENT for other lengths, or tokens outside the vocabulary
   */
  void sample(int[] tokens);

  /**
   * Finishes the engine; the builder is empty afterwards.
   *
   * @throws EngineException FAILED_PRECONDITION naming the first missing tensor
   */
  Engine build();

  /** Frees what {@link #build} has not handed out. */
  @Override
  void close();
}
