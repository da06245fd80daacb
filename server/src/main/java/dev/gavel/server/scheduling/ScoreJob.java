package dev.gavel.server.scheduling;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.KvBlocks;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Counter;
import java.util.List;

/** One Score call: a shared prefix and items that are computed in order, in one or more batches. */
public final class ScoreJob extends Job {
  /**
   * What is to be computed.
   *
   * @param prefix tokens that every item sees, not empty
   * @param suffixes each item's own tokens; none empty, at least one item
   * @param mass whether the mass on the labels is asked for
   */
  public record Work(int[] prefix, List<int[]> suffixes, boolean mass) {
    public Work {
      suffixes = List.copyOf(suffixes);
      if (prefix.length == 0 || suffixes.isEmpty()) {
        throw new IllegalArgumentException("expected a prefix and items, found none");
      }
    }
  }

  /**
   * What was computed.
   *
   * @param logProbabilities [items, labels]
   * @param logMass [items]; meaningless unless asked for
   */
  public record Result(float[][] logProbabilities, float[] logMass, StageSeconds times) {}

  /** Where the outcome goes: one call in all, on the loop's thread. */
  public interface Sink {
    void scored(Result result);

    void failed(FaultException fault);
  }

  private final Work work;
  private final Sink sink;
  private final ServerStats stats;
  private final float[][] logProbabilities;
  private final float[] logMass;
  private int next;
  private long remainingTokens;
  private KvSpan prefixSpan;

  public ScoreJob(
      Work work, long deadlineNanos, Admission.Ticket ticket, ServerStats stats, Sink sink) {
    super(deadlineNanos, ticket);
    this.work = work;
    this.sink = sink;
    this.stats = stats;
    this.logProbabilities = new float[work.suffixes.size()][];
    this.logMass = new float[work.suffixes.size()];
    for (int[] suffix : work.suffixes) {
      remainingTokens += suffix.length;
    }
  }

  boolean mass() {
    return work.mass;
  }

  /** Rows left to compute, were they all in one batch. */
  long remainingRows(BatchPlan plan) {
    int items = work.suffixes.size() - next;
    return prefixRows() + remainingTokens + items * (long) plan.scoredRows(0);
  }

  /** Rows of the smallest share that makes progress. */
  int leastRows(BatchPlan plan) {
    return prefixRows() + itemRows(plan, next);
  }

  private boolean prefixKept() {
    return prefixSpan != null && prefixSpan.tokens() > 0;
  }

  private int prefixRows() {
    return prefixKept() ? 0 : work.prefix.length;
  }

  private int itemRows(BatchPlan plan, int item) {
    return plan.scoredRows(work.suffixes.get(item).length);
  }

  /**
   * Adds a share of as many items as fit.
   *
   * @param allowance rows it may take; one item is added even if it takes more
   * @param mayKeep whether the prefix may be kept in blocks for the items that do not fit
   * @return whether anything was added
   */
  boolean addTo(BatchPlan plan, int allowance, boolean mayKeep) {
    int items = itemsThatFit(plan, allowance);
    if (items == 0) {
      return false;
    }
    boolean keeps = next + items < work.suffixes.size() && !prefixKept() && reserve(plan, mayKeep);
    if (!keeps && wasteful(plan, items)) {
      return false;
    }
    if (next > 0 && !prefixKept()) {
      stats.count(Counter.PREFIX_RECOMPUTED);
    }
    int firstScored = plan.nextScored();
    int rowsBefore = plan.rows();
    if (prefixKept()) {
      addChained(plan.batch(), items);
    } else {
      addFresh(plan.batch(), items, keeps);
    }
    plan.add(new ItemShare(items, firstScored, plan.rows() - rowsBefore, keeps));
    plan.scores(work.mass);
    return true;
  }

  private int itemsThatFit(BatchPlan plan, int allowance) {
    int left = Math.min(allowance, plan.room()) - prefixRows();
    int items = 0;
    while (next + items < work.suffixes.size() && itemRows(plan, next + items) <= left) {
      left -= itemRows(plan, next + items);
      items++;
    }
    return items == 0 && leastRows(plan) <= plan.room() ? 1 : items;
  }

  private boolean reserve(BatchPlan plan, boolean mayKeep) {
    if (prefixSpan == null && mayKeep) {
      prefixSpan = KvSpan.take(plan.pool(), work.prefix.length);
    }
    return prefixSpan != null;
  }

  /** A part that would compute the prefix for few items, and again later, when others could go. */
  private boolean wasteful(BatchPlan plan, int items) {
    if (prefixKept() || !plan.scores() || next + items == work.suffixes.size()) {
      return false;
    }
    int rows = 0;
    for (int i = next; i < next + items; i++) {
      rows += itemRows(plan, i);
    }
    return rows < work.prefix.length;
  }

  private void addFresh(Batch batch, int items, boolean keeps) {
    int parent = batch.root(work.prefix);
    if (keeps) {
      prefixSpan.keepInto(batch, work.prefix.length);
    }
    for (int i = next; i < next + items; i++) {
      batch.child(parent, work.suffixes.get(i));
      batch.score();
    }
  }

  private void addChained(Batch batch, int items) {
    for (int i = next; i < next + items; i++) {
      batch.root(work.suffixes.get(i));
      prefixSpan.chainInto(batch, prefixSpan.tokens());
      batch.score();
    }
  }

  @Override
  void afterBatch(KvBlocks pool) {
    if (next == work.suffixes.size()) {
      succeed(pool, () -> sink.scored(new Result(logProbabilities, logMass, times())));
    }
  }

  @Override
  void release(KvBlocks pool) {
    if (prefixSpan != null) {
      prefixSpan.release(pool);
      prefixSpan = null;
    }
  }

  @Override
  void tellFailed(FaultException fault) {
    sink.failed(fault);
  }

  private final class ItemShare implements BatchPlan.Share {
    private final int items;
    private final int firstScored;
    private final int rows;
    private final boolean keeps;

    ItemShare(int items, int firstScored, int rows, boolean keeps) {
      this.items = items;
      this.firstScored = firstScored;
      this.rows = rows;
      this.keeps = keeps;
    }

    @Override
    public Job job() {
      return ScoreJob.this;
    }

    @Override
    public void apply(BatchResult result) {
      for (int i = 0; i < items; i++) {
        logProbabilities[next + i] = result.labelLogProbabilities(firstScored + i);
        logMass[next + i] = result.labelLogMass(firstScored + i);
        remainingTokens -= work.suffixes.get(next + i).length;
      }
      next += items;
      if (keeps) {
        prefixSpan.kept(work.prefix.length);
      }
      ticket().computed(items, rows);
    }
  }
}
