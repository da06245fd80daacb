package dev.gavel.server.scheduling;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.server.engine.BlockCache;
import dev.gavel.server.engine.Device;
import dev.gavel.server.engine.KvExtension;
import dev.gavel.server.engine.KvPrefix;
import java.util.ArrayList;
import java.util.List;

/**
 * One batch in the making: the engine's flat batch, whose part each share of it is, and the KV that
 * it uses and writes. Closing lets go of that KV, and of blocks that were not written after all.
 */
final class BatchPlan implements AutoCloseable {
  /** Consecutive sequences of one job. */
  interface Share {
    Job job();

    /** Takes its part of the result; called only if the batch succeeded. */
    void apply(BatchResult result);
  }

  private final Batch batch;
  private final BlockCache pool;
  private final int rowsMax;
  private final int rowsEnough;
  private final int labelRows;
  private final List<Share> shares = new ArrayList<>();
  private final List<KvPrefix> used = new ArrayList<>();
  private final List<KvExtension> written = new ArrayList<>();
  private int foundTokens;
  private boolean scores;
  private boolean mass;

  BatchPlan(Device device) {
    batch = device.batch();
    batch.clear();
    pool = device.blocks();
    rowsMax = device.rowsMax();
    rowsEnough = device.rowsEnough();
    labelRows = device.labels().extraRows();
  }

  Batch batch() {
    return batch;
  }

  BlockCache pool() {
    return pool;
  }

  /** What is held of {@code tokens[from, to)} behind {@code known}, for this batch. */
  KvPrefix find(KvPrefix known, int[] tokens, int from, int to) {
    return using(pool.find(known, tokens, from, to));
  }

  /** Closes {@code prefix} with this plan. */
  KvPrefix using(KvPrefix prefix) {
    used.add(prefix);
    return prefix;
  }

  /** Room for what this batch computes behind {@code known}; null if there is none. */
  KvExtension extend(KvPrefix known, int[] tokens, int from, int to) {
    return writing(pool.extend(known, tokens, from, to));
  }

  /** Room for what this batch computes behind {@code behind}; null if there is none. */
  KvExtension extend(KvExtension behind, int[] tokens, int from, int to) {
    return writing(pool.extend(behind, tokens, from, to));
  }

  private KvExtension writing(KvExtension extension) {
    if (extension != null) {
      written.add(extension);
    }
    return extension;
  }

  /** The batch has been computed: what it wrote can be found from now on. */
  void commit() {
    written.forEach(KvExtension::commit);
  }

  @Override
  public void close() {
    used.forEach(KvPrefix::close);
    written.forEach(KvExtension::close);
    used.clear();
    written.clear();
  }

  /** Notes that a share's tokens were held and need not be computed. */
  void found(int tokens) {
    foundTokens += tokens;
  }

  /** Tokens of the shares that were held already. */
  int foundTokens() {
    return foundTokens;
  }

  int rowsMax() {
    return rowsMax;
  }

  /** Rows that keep the device busy. */
  int rowsEnough() {
    return rowsEnough;
  }

  /** Whether one more call would only make those that are in wait longer. */
  boolean isEnough() {
    return rows() >= rowsEnough;
  }

  /** Rows that a scored sequence of {@code tokens} tokens takes. */
  int scoredRows(int tokens) {
    return tokens + labelRows;
  }

  int rows() {
    return batch.tokens() + batch.count(Batch.Output.LABELS) * labelRows;
  }

  int room() {
    return rowsMax - rows();
  }

  /** Index in the result of the next scored sequence. */
  int nextScored() {
    return batch.count(Batch.Output.LABELS);
  }

  /** Index in the result of the next sampled sequence. */
  int nextSampled() {
    return batch.count(Batch.Output.SAMPLE);
  }

  void add(Share share) {
    shares.add(share);
  }

  List<Share> shares() {
    return shares;
  }

  /** Whether any Score call has a share. */
  boolean scores() {
    return scores;
  }

  /** Whether label mass is computed: one choice per batch, since it costs a vocabulary per item. */
  boolean mass() {
    return mass;
  }

  void scores(boolean withMass) {
    scores = true;
    mass = withMass;
  }
}
