package dev.gavel.server.fake;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineException;
import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.LabelTable;
import dev.gavel.engine.ModelConfig;
import dev.gavel.engine.Quantization;
import dev.gavel.engine.Sampling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * An engine whose outputs are pure functions of the tokens a sequence sees. It follows parents and
 * chains through a store of tokens per block, and refuses what breaks a rule of the seam, so a
 * wrong parent, chain, block or slot shows as a wrong answer or a failed batch.
 */
public final class FakeEngine implements Engine {
  /** Chooses a reasoning token. */
  public interface Drawer {
    int draw(int[] seen, Sampling sampling, int draw);
  }

  private static final int EMPTY = -1;

  private final String device;
  private final int batchTokensMax;
  private final int blockTokens;
  private final int blocks;
  private final Map<Integer, int[]> store = new HashMap<>();
  private final AtomicLong rows = new AtomicLong();
  private final AtomicLong batches = new AtomicLong();
  private final AtomicLong cancelledBatches = new AtomicLong();
  private final List<String> violations = new ArrayList<>();
  private volatile Thread owner;
  private int openTables;

  /** Called by every run before anything is computed; may wait or throw. */
  public volatile Consumer<Batch> beforeRun = batch -> {};

  /** Where not null: sequences of these own tokens get NaN for label log-probabilities. */
  public volatile int[] poison;

  public volatile boolean refuseLabels;

  public volatile Drawer drawer = FakeEngine::letter;

  public FakeEngine(int batchTokensMax, int blockTokens, int blocks) {
    this("cpu", batchTokensMax, blockTokens, blocks);
  }

  public FakeEngine(String device, int batchTokensMax, int blockTokens, int blocks) {
    this.device = device;
    this.batchTokensMax = batchTokensMax;
    this.blockTokens = blockTokens;
    this.blocks = blocks;
  }

  // The pure functions.

  private static long hash(int[] seen) {
    long h = 0x9E3779B97F4A7C15L;
    for (int token : seen) {
      h = (h ^ token) * 0xBF58476D1CE4E5B9L;
      h ^= h >>> 29;
    }
    return h;
  }

  /** Log-probabilities of {@code labels} labels after the tokens; they sum to 1. */
  public static float[] labelLogProbabilities(int[] seen, int labels) {
    double[] weights = new double[labels];
    double sum = 0;
    for (int i = 0; i < labels; i++) {
      weights[i] = 1 + Math.floorMod(hash(seen) >>> (i * 12), 4096);
      sum += weights[i];
    }
    float[] logs = new float[labels];
    for (int i = 0; i < labels; i++) {
      logs[i] = (float) Math.log(weights[i] / sum);
    }
    return logs;
  }

  public static float logMass(int[] seen) {
    return -(1 + Math.floorMod(hash(seen), 1000)) / 1000f;
  }

  public static float logProbability(int[] seen, int token) {
    return -(1 + Math.floorMod(hash(seen) ^ token, 1000)) / 100f;
  }

  /** A letter that depends on everything it may depend on. */
  public static int letter(int[] seen, Sampling sampling, int draw) {
    long seed = sampling.temperature() == 0 ? 0 : sampling.seed() + draw;
    return 'a' + Math.floorMod(hash(seen) ^ (seed * 0x94D049BB133111EBL), 26);
  }

  // What tests look at.

  /** Rows of completed batches. */
  public long rows() {
    return rows.get();
  }

  public long batches() {
    return batches.get();
  }

  public long cancelledBatches() {
    return cancelledBatches.get();
  }

  /** Rules of the seam that were broken. */
  public synchronized List<String> violations() {
    return List.copyOf(violations);
  }

  public int openTables() {
    return openTables;
  }

  // The engine.

  @Override
  public ModelConfig config() {
    return new FakeModel().config();
  }

  @Override
  public EngineInfo info() {
    return new EngineInfo(
        device,
        Quantization.FP32,
        "generic",
        1,
        batchTokensMax,
        blockTokens,
        blocks,
        7,
        7,
        28,
        0,
        0,
        0,
        batches.get(),
        rows.get(),
        cancelledBatches.get());
  }

  @Override
  public LabelTable labels(List<List<int[]>> forms) {
    if (refuseLabels) {
      throw new EngineException(EngineException.Code.INVALID_ARGUMENT, "labels");
    }
    openTables++;
    int longest = forms.stream().flatMap(List::stream).mapToInt(f -> f.length).max().orElse(1);
    return new LabelTable() {
      @Override
      public int labels() {
        return forms.size();
      }

      @Override
      public int extraRows() {
        return longest - 1;
      }

      @Override
      public void close() {
        openTables--;
      }
    };
  }

  @Override
  public void run(Batch batch, BatchResult result) {
    requireOneThread();
    try {
      compute(batch, result);
    } catch (RuntimeException e) {
      // As the seam says: on an exception, kept blocks hold nothing.
      for (int i = 0; i < batch.size(); i++) {
        for (int block : batch.sequence(i).keepBlocks()) {
          store.remove(block);
        }
      }
      throw e;
    }
  }

  private void compute(Batch batch, BatchResult result) {
    if (batch.isCancelled()) {
      throw cancelled();
    }
    beforeRun.accept(batch);
    if (batch.isCancelled()) {
      throw cancelled();
    }
    List<int[]> seen = new ArrayList<>();
    int extra = batch.labelTable() == null ? 0 : batch.labelTable().extraRows();
    int total = batch.tokens() + batch.count(Batch.Output.LABELS) * extra;
    require(total <= batchTokensMax, "rows: expected " + batchTokensMax + ", found " + total);
    require(batch.size() > 0, "an empty batch");
    requireNoOverwriting(batch);
    result.prepare(batch, 1);
    int scored = 0;
    int sampled = 0;
    for (int i = 0; i < batch.size(); i++) {
      Batch.Sequence sequence = batch.sequence(i);
      int[] all = concat(before(sequence, seen), sequence.tokens());
      seen.add(all);
      if (sequence.output() == Batch.Output.LABELS) {
        float[] logs = labelLogProbabilities(all, batch.labelTable().labels());
        if (Arrays.equals(poison, sequence.tokens())) {
          Arrays.fill(logs, Float.NaN);
        }
        result.setLabelLogProbabilities(scored, logs);
        result.setLabelLogMass(scored++, batch.labelMass() ? logMass(all) : Float.NaN);
      } else if (sequence.output() == Batch.Output.SAMPLE) {
        int token = drawer.draw(all, sequence.sampling(), sequence.draw());
        result.setSampled(sampled++, token, logProbability(all, token));
      }
    }
    for (int i = 0; i < batch.size(); i++) {
      keep(batch.sequence(i));
    }
    result.setSeconds(0.002, 0.001);
    rows.addAndGet(total);
    batches.incrementAndGet();
  }

  private void requireOneThread() {
    if (owner == null) {
      owner = Thread.currentThread();
    }
    require(owner == Thread.currentThread(), "run on a second thread");
  }

  private EngineException cancelled() {
    cancelledBatches.incrementAndGet();
    return new EngineException(EngineException.Code.CANCELLED, "cancelled");
  }

  private void require(boolean holds, String rule) {
    if (!holds) {
      synchronized (this) {
        violations.add(rule);
      }
      throw new EngineException(EngineException.Code.INVALID_ARGUMENT, rule);
    }
  }

  private int[] before(Batch.Sequence sequence, List<int[]> seen) {
    if (sequence.parent() >= 0) {
      require(sequence.chainBlocks().length == 0, "a chain on a child");
      return seen.get(sequence.parent());
    }
    int[] tokens = new int[0];
    for (int i = 0; i < sequence.chainBlocks().length; i++) {
      int count = sequence.chainCounts()[i];
      require(count >= 1 && count <= blockTokens, "chain count " + count);
      int[] slots = store.get(sequence.chainBlocks()[i]);
      require(slots != null, "a chain of an empty block");
      int[] part = Arrays.copyOf(slots, count);
      for (int token : part) {
        require(token != EMPTY, "a chain over an empty slot");
      }
      tokens = concat(tokens, part);
    }
    return tokens;
  }

  private void keep(Batch.Sequence sequence) {
    int[] kept = sequence.keepBlocks();
    if (kept.length == 0) {
      return;
    }
    int slot = sequence.keepStart();
    int end = slot + sequence.tokens().length;
    require(
        slot < blockTokens && (end + blockTokens - 1) / blockTokens == kept.length,
        "keep: " + kept.length + " blocks for slots " + slot + " to " + end);
    for (int token : sequence.tokens()) {
      int[] slots = store.computeIfAbsent(kept[slot / blockTokens], this::emptyBlock);
      slots[slot % blockTokens] = token;
      slot++;
    }
    if (slot % blockTokens != 0) {
      Arrays.fill(store.get(kept[kept.length - 1]), slot % blockTokens, blockTokens, EMPTY);
    }
  }

  /** An engine writes while it reads: no slot is written twice, or written and seen. */
  private void requireNoOverwriting(Batch batch) {
    Map<Integer, BitSet> written = new HashMap<>();
    for (int i = 0; i < batch.size(); i++) {
      Batch.Sequence sequence = batch.sequence(i);
      int slot = sequence.keepStart();
      for (int j = 0; j < sequence.tokens().length && sequence.keepBlocks().length > 0; j++) {
        int block = sequence.keepBlocks()[slot / blockTokens];
        BitSet slots = written.computeIfAbsent(block, b -> new BitSet());
        require(!slots.get(slot % blockTokens), "a slot of block " + block + " written twice");
        slots.set(slot++ % blockTokens);
      }
    }
    for (int i = 0; i < batch.size(); i++) {
      Batch.Sequence sequence = batch.sequence(i);
      for (int j = 0; j < sequence.chainBlocks().length; j++) {
        BitSet slots = written.getOrDefault(sequence.chainBlocks()[j], new BitSet());
        int first = slots.nextSetBit(0);
        require(first < 0 || first >= sequence.chainCounts()[j], "a slot written and seen");
      }
    }
  }

  private int[] emptyBlock(int block) {
    require(block >= 0 && block < blocks, "block " + block);
    int[] slots = new int[blockTokens];
    Arrays.fill(slots, EMPTY);
    return slots;
  }

  static int[] concat(int[] a, int[] b) {
    int[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }

  @Override
  public void close() {}
}
