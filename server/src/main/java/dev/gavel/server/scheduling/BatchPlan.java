package dev.gavel.server.scheduling;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.KvBlocks;
import dev.gavel.server.engine.Device;
import java.util.ArrayList;
import java.util.List;

/** One batch in the making: the engine's flat batch, and whose part each share of it is. */
final class BatchPlan {
  /** Consecutive sequences of one job. */
  interface Share {
    Job job();

    /** Takes its part of the result; called only if the batch succeeded. */
    void apply(BatchResult result);
  }

  private final Batch batch;
  private final KvBlocks pool;
  private final int rowsMax;
  private final int labelRows;
  private final List<Share> shares = new ArrayList<>();
  private boolean scores;
  private boolean mass;

  BatchPlan(Device device) {
    batch = device.batch();
    batch.clear();
    pool = device.blocks();
    rowsMax = device.rowsMax();
    labelRows = device.labels().extraRows();
  }

  Batch batch() {
    return batch;
  }

  KvBlocks pool() {
    return pool;
  }

  int rowsMax() {
    return rowsMax;
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
