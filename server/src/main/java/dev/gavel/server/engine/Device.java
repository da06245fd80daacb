package dev.gavel.server.engine;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.KvBlocks;
import dev.gavel.engine.LabelTable;
import java.util.List;

/** One engine and what its thread needs to drive it. Closing leaves the engine to its owner. */
public final class Device implements AutoCloseable {
  /**
   * From so many rows on a CPU computes more of them no faster: a matrix product of 512 rows runs
   * at its full rate.
   */
  private static final int CPU_ROWS_ENOUGH = 1024;

  private final Engine engine;
  private final LabelTable labels;
  private final BlockCache blocks;
  private final int rowsMax;
  private final int rowsEnough;
  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();

  /**
   * Prepares the labels; call it on the thread that will drive the engine.
   *
   * @param labelForms per label, its surface forms as tokens
   * @param kvCache whether KV stays held when no call uses it
   * @throws dev.gavel.engine.EngineException if the engine refuses the labels
   */
  public Device(Engine engine, List<List<int[]>> labelForms, boolean kvCache) {
    EngineInfo info = engine.info();
    this.engine = engine;
    this.rowsMax = info.batchTokensMax();
    this.rowsEnough = info.device().equals("cpu") ? Math.min(rowsMax, CPU_ROWS_ENOUGH) : rowsMax;
    this.blocks = new BlockCache(new KvBlocks(info.blocks(), info.blockTokens()), kvCache);
    this.labels = engine.labels(labelForms);
  }

  /** Rows of the largest batch, the label trie's included. */
  public int rowsMax() {
    return rowsMax;
  }

  /** Rows of a batch that keep the device busy: to wait for more only makes its calls wait. */
  public int rowsEnough() {
    return rowsEnough;
  }

  public LabelTable labels() {
    return labels;
  }

  public BlockCache blocks() {
    return blocks;
  }

  /** The one batch; the scheduler clears and fills it. */
  public Batch batch() {
    return batch;
  }

  /**
   * Computes the batch in one native call.
   *
   * @param mass whether scored sequences also get the mass on their labels
   * @return valid until the next call
   * @throws dev.gavel.engine.EngineException as {@link Engine#run}
   */
  public BatchResult run(boolean mass) {
    batch.labels(labels, mass);
    engine.run(batch, result);
    return result;
  }

  /** Stops the running batch between two layers; any thread. */
  public void cancel() {
    batch.cancel();
  }

  @Override
  public void close() {
    labels.close();
  }
}
