package dev.gavel.engine;

/**
 * One rank of a model that is dealt out over processes, each with a device. All ranks compute the
 * same batches in the same order, do not look at {@link Batch#cancel}, and get the same results.
 *
 * @param index from 0
 * @param count of all ranks
 * @param collective adds up what the ranks computed
 */
public record Rank(int index, int count, Collective collective) {

  /** How ranks reach each other. Used by the thread that drives the engine. */
  @FunctionalInterface
  public interface Collective {

    /**
     * Replaces the terms by their sum over all ranks; every rank must get the same bits. What it
     * throws ends the batch with UNAVAILABLE, so it has to give up on a rank that died.
     *
     * @param address of the terms, in memory of this rank's device
     * @param stream the engine's stream on the device, where the sum is to be if it is not done on
     *     return
     */
    void sum(long address, long elements, DType type, long stream) throws Exception;
  }

  public Rank {
    if (count < 2 || index < 0 || index >= count) {
      throw new EngineException(
          EngineException.Code.INVALID_ARGUMENT,
          "rank: expected one from 0 to below the number of ranks, found "
              + index
              + " of "
              + count);
    }
  }
}
