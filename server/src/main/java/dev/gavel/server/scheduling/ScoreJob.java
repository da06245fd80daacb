package dev.gavel.server.scheduling;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.relevance.EncodedItem;
import dev.gavel.server.engine.BlockCache;
import dev.gavel.server.engine.KvExtension;
import dev.gavel.server.engine.KvPrefix;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Counter;
import java.util.ArrayList;
import java.util.List;

/**
 * One Score call: a shared prefix and items that are computed in order, in one or more batches. Of
 * prefix and items only what the block cache does not hold is computed, and what other calls may
 * begin with is kept there while there is room.
 */
public final class ScoreJob extends Job {
  /**
   * What is to be computed.
   *
   * @param prefix tokens that every item sees; none where the prompt begins with the item
   * @param items good ones, at least one; their tokens are not empty
   * @param mass whether the mass on the labels is asked for
   */
  public record Work(int[] prefix, List<EncodedItem> items, boolean mass) {
    public Work {
      items = List.copyOf(items);
      if (items.isEmpty()) {
        throw new IllegalArgumentException("expected items, found none");
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
  private KvPrefix prefix; // the whole prefix, held for the items of later batches; or null
  private volatile List<ScoreJob> parts = List.of(); // that compute it instead

  public ScoreJob(
      Work work, long deadlineNanos, Admission.Ticket ticket, ServerStats stats, Sink sink) {
    super(deadlineNanos, ticket);
    this.work = work;
    this.sink = sink;
    this.stats = stats;
    this.logProbabilities = new float[work.items.size()][];
    this.logMass = new float[work.items.size()];
    countTokens();
  }

  private ScoreJob(ScoreJob whole, Work work, Admission.Ticket ticket, Sink sink) {
    super(whole, ticket);
    this.work = work;
    this.stats = whole.stats;
    this.sink = sink;
    this.logProbabilities = new float[work.items.size()][];
    this.logMass = new float[work.items.size()];
    countTokens();
  }

  private void countTokens() {
    for (EncodedItem item : work.items) {
      remainingTokens += item.suffix().length;
    }
  }

  Work work() {
    return work;
  }

  Sink sink() {
    return sink;
  }

  /**
   * A job for some of the items, to be computed instead of this.
   *
   * @param items their indices
   * @param labelRows rows that each adds to its tokens
   */
  ScoreJob part(int[] items, int labelRows, Sink partSink) {
    List<EncodedItem> own = new ArrayList<>(items.length);
    long rows = items[0] == 0 ? work.prefix.length : 0; // admitted once
    for (int item : items) {
      own.add(work.items.get(item));
      rows += work.items.get(item).suffix().length + labelRows;
    }
    Work some = new Work(work.prefix, own, work.mass);
    return new ScoreJob(this, some, ticket().split(items.length, rows), partSink);
  }

  /** Leaves its work to {@code parts}. */
  void spreadOver(List<ScoreJob> others) {
    parts = others;
    if (isCancelled()) {
      others.forEach(Job::cancel);
    }
  }

  @Override
  public void cancel() {
    super.cancel();
    parts.forEach(Job::cancel);
  }

  /** What is computed is kept, and the rest can be computed anywhere. */
  @Override
  boolean isMovable() {
    return true;
  }

  boolean mass() {
    return work.mass;
  }

  /** Rows left to compute at most, were they all in one batch. */
  long remainingRows(BatchPlan plan) {
    int items = work.items.size() - next;
    return prefixRows() + remainingTokens + items * (long) plan.scoredRows(0);
  }

  /** Rows of the smallest share that makes progress, at most. */
  int leastRows(BatchPlan plan) {
    return prefixRows() + plan.scoredRows(work.items.get(next).suffix().length);
  }

  private int prefixRows() {
    return prefix == null ? work.prefix.length : 0;
  }

  /**
   * Items from {@link #next} on that go into one batch.
   *
   * @param known what is held of the prefix
   * @param items what is held of prefix and item, for each
   * @param rows rows of the items
   */
  private record Part(KvPrefix known, List<KvPrefix> items, int rows) {}

  /**
   * Adds a share of as many items as fit.
   *
   * @param allowance rows it may take; one item is added even if it takes more
   * @param mayKeep whether blocks may be taken for KV
   * @return whether anything was added
   */
  boolean addTo(BatchPlan plan, int allowance, boolean mayKeep) {
    KvPrefix known = prefix == null ? findPrefix(plan) : prefix;
    Part part = partThatFits(plan, known, allowance);
    if (part.items.isEmpty()) {
      return false;
    }
    boolean last = next + part.items.size() == work.items.size();
    if (!last && plan.scores() && remainingRows(plan) <= plan.rowsMax()) {
      return false; // whole in the next batch, instead of late in both
    }
    boolean forLater = mayKeep && plan.pool().retains();
    KvExtension kept = null;
    if (!isWhole(known) && mayKeep && (forLater || !last)) {
      kept = plan.extend(known, work.prefix, known.tokens(), work.prefix.length);
    }
    if (kept == null && !last && wasteful(plan, part)) {
      return false;
    }
    if (next > 0 && !isWhole(known)) {
      stats.count(Counter.PREFIX_RECOMPUTED);
    }
    plan.add(share(plan, part, mayKeep && !last, kept));
    addSequences(plan, part, kept, forLater);
    plan.scores(work.mass);
    return true;
  }

  private KvPrefix findPrefix(BatchPlan plan) {
    KvPrefix nothing = plan.using(plan.pool().nothing());
    return plan.find(nothing, work.prefix, 0, work.prefix.length);
  }

  private boolean isWhole(KvPrefix known) {
    return known.tokens() == work.prefix.length;
  }

  private Part partThatFits(BatchPlan plan, KvPrefix known, int allowance) {
    int prefixRows = work.prefix.length - known.tokens();
    int most = Math.min(allowance, plan.room()) - prefixRows;
    List<KvPrefix> items = new ArrayList<>();
    int rows = 0;
    for (EncodedItem item : work.items.subList(next, work.items.size())) {
      KvPrefix at = findItem(plan, known, item);
      int itemRows = plan.scoredRows(item.suffix().length - itemTokens(at));
      boolean fits =
          rows + itemRows <= most || items.isEmpty() && prefixRows + itemRows <= plan.room();
      if (!fits) {
        break;
      }
      items.add(at);
      rows += itemRows;
    }
    return new Part(known, items, rows);
  }

  private KvPrefix findItem(BatchPlan plan, KvPrefix known, EncodedItem item) {
    return isWhole(known) && item.sharedTokens() > 0
        ? plan.find(known, item.suffix(), 0, item.sharedTokens())
        : known;
  }

  /** Tokens of the item of which {@code at} is known. */
  private int itemTokens(KvPrefix at) {
    return Math.max(0, at.tokens() - work.prefix.length);
  }

  /** A part that would compute the prefix for few items, and again later, when others could go. */
  private boolean wasteful(BatchPlan plan, Part part) {
    return plan.scores() && part.rows < work.prefix.length - part.known.tokens();
  }

  private ItemShare share(BatchPlan plan, Part part, boolean holdPrefix, KvExtension kept) {
    int asked = next == 0 ? work.prefix.length : 0;
    int found = next == 0 ? part.known.tokens() : 0;
    int rows = asked;
    for (int i = 0; i < part.items.size(); i++) {
      EncodedItem item = work.items.get(next + i);
      asked += item.sharedTokens();
      found += itemTokens(part.items.get(i));
      rows += plan.scoredRows(item.suffix().length);
    }
    plan.pool().record(asked, found);
    plan.found(found);
    KvPrefix toHold = holdPrefix && isWhole(part.known) ? part.known : null;
    KvExtension rest = holdPrefix ? kept : null;
    return new ItemShare(
        new Given(part.items.size(), plan.nextScored(), rows, found, toHold, rest));
  }

  private void addSequences(BatchPlan plan, Part part, KvExtension kept, boolean forLater) {
    Batch batch = plan.batch();
    int parent = -1;
    if (!isWhole(part.known)) {
      parent = batch.add(-1, work.prefix, part.known.tokens(), work.prefix.length);
      part.known.chainInto(batch);
      if (kept != null) {
        kept.keepInto(batch);
      }
    }
    for (int i = 0; i < part.items.size(); i++) {
      EncodedItem item = work.items.get(next + i);
      KvPrefix at = part.items.get(i);
      KvExtension shared = forLater ? extend(plan, item, at, kept) : null;
      addItem(batch, parent, item, at, shared);
    }
  }

  /** Room for what later calls can share of an item; null if it is known or there is no room. */
  private KvExtension extend(BatchPlan plan, EncodedItem item, KvPrefix at, KvExtension kept) {
    int from = itemTokens(at);
    if (from >= item.sharedTokens()) {
      return null;
    }
    if (isWhole(at) || from > 0) {
      return plan.extend(at, item.suffix(), from, item.sharedTokens());
    }
    return kept == null ? null : plan.extend(kept, item.suffix(), 0, item.sharedTokens());
  }

  /**
   * Adds an item behind the sequence {@code parent}, or behind {@code at} where that is -1; in two
   * sequences where the beginning is kept.
   */
  private void addItem(Batch batch, int parent, EncodedItem item, KvPrefix at, KvExtension shared) {
    int from = itemTokens(at);
    int cut = shared == null ? item.suffix().length : item.sharedTokens();
    int first = batch.add(parent, item.suffix(), from, cut);
    if (parent < 0) {
      at.chainInto(batch);
    }
    if (shared != null) {
      shared.keepInto(batch);
      batch.add(first, item.suffix(), cut, item.suffix().length);
    }
    batch.score();
  }

  @Override
  void afterBatch(BlockCache pool) {
    if (next == work.items.size()) {
      succeed(pool, () -> sink.scored(new Result(logProbabilities, logMass, times())));
    }
  }

  @Override
  void release(BlockCache pool) {
    if (prefix != null) {
      prefix.close();
      prefix = null;
    }
  }

  @Override
  void tellFailed(FaultException fault) {
    sink.failed(fault);
  }

  /**
   * @param rows rows of prefix and items as they were admitted, held or not
   * @param found those of them that were held
   * @param known the whole prefix to hold for later batches, or null
   * @param kept the rest of the prefix, computed here and to be held likewise, or null
   */
  private record Given(
      int items, int firstScored, int rows, int found, KvPrefix known, KvExtension kept) {}

  private final class ItemShare implements BatchPlan.Share {
    private final Given given;

    ItemShare(Given given) {
      this.given = given;
    }

    @Override
    public Job job() {
      return ScoreJob.this;
    }

    @Override
    public void apply(BatchResult result) {
      for (int i = 0; i < given.items; i++) {
        logProbabilities[next + i] = result.labelLogProbabilities(given.firstScored + i);
        logMass[next + i] = result.labelLogMass(given.firstScored + i);
        remainingTokens -= work.items.get(next + i).suffix().length;
      }
      next += given.items;
      if (prefix == null && given.known != null) {
        prefix = given.known.share();
      } else if (prefix == null && given.kept != null) {
        prefix = given.kept.commit().share();
      }
      computed(given.items, given.rows, given.found);
    }
  }
}
