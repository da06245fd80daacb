package dev.gavel.server.scheduling;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Sampling;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.LabelDistribution;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.TokenStream;
import dev.gavel.server.engine.BlockCache;
import dev.gavel.server.engine.KvExtension;
import dev.gavel.server.engine.KvPrefix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One Explain call. The prompt is computed once and kept; every reasoning path continues it in
 * blocks of its own, taken up front, so that a path that has begun never runs out of memory.
 *
 * <p>Label-first: the prompt yields the verdict, and paths begin with the tokens that state it.
 * Think-first: the prompt is kept without its last token, from which every path draws its own first
 * token; each path ends in a distribution, and their mean is the verdict.
 */
public final class ExplainJob extends Job {
  /**
   * What is to be explained.
   *
   * @param sampling of path 0; path i draws with a seed derived from it
   * @param samples number of paths, at least 1
   * @param tokensMax reasoning tokens per path, at least 1
   * @param arrivalNanos when the call arrived, on the scale of {@link System#nanoTime}
   */
  public record Work(
      RelevanceModel model,
      ExplainPlan plan,
      Sampling sampling,
      int samples,
      int tokensMax,
      long arrivalNanos) {

    /** KV blocks that must be free for the call to begin. */
    public int blocks(int blockTokens) {
      return blocksFor(sharedTokens(), blockTokens) + blocksFor(pathTokens(), blockTokens);
    }

    private static int blocksFor(int tokens, int blockTokens) {
      return (tokens + blockTokens - 1) / blockTokens;
    }

    boolean labelFirst() {
      return plan.order() == Order.LABEL_FIRST;
    }

    /** Prompt tokens that are computed once. */
    int sharedTokens() {
      return labelFirst() ? plan.prompt().length : plan.prompt().length - 1;
    }

    /** Prompt tokens that may be held already: a scored token is always computed. */
    int findableTokens() {
      return labelFirst() ? sharedTokens() - 1 : sharedTokens();
    }

    /** Tokens that every path is forced to begin with, at most. */
    public int forcedTokensMax() {
      int most = 1;
      if (labelFirst()) {
        for (int[] tokens : plan.afterLabel()) {
          most = Math.max(most, tokens.length);
        }
      }
      return most;
    }

    int pathTokens() {
      return forcedTokensMax() + tokensMax;
    }

    /** Rows of the whole call, at most. */
    long rows() {
      return plan.prompt().length + (long) samples * pathTokens();
    }
  }

  /** Why a path ended. */
  public enum Finish {
    END_OF_TEXT,
    STOP,
    LENGTH
  }

  /**
   * The end of the call.
   *
   * @param finish how path 0 ended
   * @param promptTokens prompt tokens, over all paths, whether computed or held before
   * @param firstTokenSeconds from arrival to the first reasoning token
   * @param decodeSeconds from the end of the prompt to the last reasoning token
   */
  public record Summary(
      Finish finish,
      int promptTokens,
      int generatedTokens,
      StageSeconds times,
      double firstTokenSeconds,
      double decodeSeconds,
      LabelDistribution verdict) {}

  /** Where events go, in order, on the loop's thread. The last is finished or failed. */
  public interface Sink {
    /** Whether more tokens are welcome; while not, the call decodes nothing. */
    boolean writable();

    void verdict(LabelDistribution distribution);

    void token(int sample, String text, int id, double logProbability);

    /**
     * @param distribution think-first: judged after this path; null in label-first order
     */
    void sampleEnd(int sample, Finish finish, LabelDistribution distribution, int tokens);

    void finished(Summary summary);

    void failed(FaultException fault);
  }

  private final Work work;
  private final Sink sink;
  private final List<ExplainPath> paths = new ArrayList<>();
  private KvExtension promptRest; // what of the prompt was not held when the call began
  private LabelDistribution verdict;
  private boolean promptDone;
  private BatchPlan promptIn;
  private int batchesPassed;
  private int promptTokens;
  private long promptEnd;
  private long firstToken;
  private long lastToken;
  private long pausedSince;

  public ExplainJob(Work work, long deadlineNanos, Admission.Ticket ticket, Sink sink) {
    super(deadlineNanos, ticket);
    this.work = work;
    this.sink = sink;
    for (int i = 0; i < work.samples; i++) {
      TokenStream text = work.model.tokenStream(work.plan.stops());
      paths.add(
          new ExplainPath(this, i, text, work.sampling.withSeed(seed(work.sampling.seed(), i))));
    }
  }

  /** Path 0 draws with the call's own seed, so that one path is the first of many. */
  private static long seed(long seed, int path) {
    if (path == 0) {
      return seed;
    }
    // SplitMix64: well-spread values from consecutive states.
    long z = seed + path * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  Work work() {
    return work;
  }

  Sink sink() {
    return sink;
  }

  /** The prompt's KV, once it is computed. */
  KvPrefix prompt() {
    return promptRest.commit();
  }

  List<ExplainPath> paths() {
    return paths;
  }

  /**
   * Takes the blocks of prompt and first path; takes none and returns false if there are too few.
   */
  boolean begin(BlockCache pool) {
    // What is held may be spread over more blocks than its tokens need: without it there can be
    // room.
    if (!begin(pool, work.findableTokens()) && !begin(pool, 0)) {
      return false;
    }
    pool.record(work.findableTokens(), promptRest.before().tokens());
    if (promptRest.tokens() == 0) {
      promptRest.commit();
      promptEnds(System.nanoTime());
    }
    return true;
  }

  private boolean begin(BlockCache pool, int findable) {
    try (KvPrefix nothing = pool.nothing();
        KvPrefix known = pool.find(nothing, work.plan.prompt(), 0, findable)) {
      return begin(pool, known);
    }
  }

  private boolean begin(BlockCache pool, KvPrefix known) {
    promptRest = pool.extend(known, work.plan.prompt(), known.tokens(), work.sharedTokens());
    if (promptRest == null) {
      return false;
    }
    if (!paths.get(0).begin(pool)) {
      release(pool);
      return false;
    }
    return true;
  }

  /** Until it begins; then its keys and values and its paths are where they are. */
  @Override
  boolean isMovable() {
    return promptRest == null;
  }

  boolean promptPending() {
    return !promptDone;
  }

  /** Rows of what is to be computed of the prompt. */
  int promptRows(BatchPlan plan) {
    return work.labelFirst() ? plan.scoredRows(promptRest.tokens()) : promptRest.tokens();
  }

  /** In how many batches the prompt has found no room. */
  int batchesPassed() {
    return batchesPassed;
  }

  /** Adds the prompt to the batch if it is pending and fits. */
  void addPromptTo(BatchPlan plan) {
    if (promptDone || promptIn == plan || promptRows(plan) > plan.room()) {
      return;
    }
    promptIn = plan;
    int scored = plan.nextScored();
    Batch batch = plan.batch();
    KvPrefix known = promptRest.before();
    batch.add(-1, work.plan.prompt(), known.tokens(), work.sharedTokens());
    known.chainInto(batch);
    promptRest.keepInto(batch);
    if (work.labelFirst()) {
      batch.score();
    }
    plan.add(new PromptShare(scored));
  }

  /** Notes that the prompt found no room in {@code plan}. */
  void passed(BatchPlan plan) {
    if (!promptDone && promptIn != plan) {
      batchesPassed++;
    }
  }

  private void promptEnds(long now) {
    promptDone = true;
    promptEnd = now;
    promptTokens += work.sharedTokens();
  }

  /** The tokens that a path starts with, now that the prompt is computed. */
  int[] forced() {
    int[] prompt = work.plan.prompt();
    if (verdict != null && work.plan.afterLabel().get(verdict.best()).length > 0) {
      return work.plan.afterLabel().get(verdict.best());
    }
    return Arrays.copyOfRange(prompt, prompt.length - 1, prompt.length);
  }

  /** Tokens of the shared prompt that a path sees before its forced ones. */
  int promptSeen(int[] forced) {
    boolean repeatsLast = verdict != null && work.plan.afterLabel().get(verdict.best()).length == 0;
    return repeatsLast ? work.sharedTokens() - forced.length : work.sharedTokens();
  }

  void addPromptTokens(int count) {
    promptTokens += count;
  }

  void tokenDrawn(long now) {
    if (firstToken == 0) {
      firstToken = now;
    }
    lastToken = now;
  }

  /** Whether the caller takes more tokens; remembers since when not. */
  boolean readerReady(long now) {
    if (sink.writable()) {
      pausedSince = 0;
      return true;
    }
    pausedSince = pausedSince == 0 ? now : pausedSince;
    return false;
  }

  /** How long the caller has taken no token, in nanoseconds. */
  long pausedNanos(long now) {
    return pausedSince == 0 ? 0 : now - pausedSince;
  }

  @Override
  void afterBatch(BlockCache pool) {
    boolean allEnded = true;
    for (ExplainPath path : paths) {
      path.releaseIfEnded(pool);
      allEnded &= path.hasEnded();
    }
    if (allEnded) {
      finish(pool);
    }
  }

  private void finish(BlockCache pool) {
    if (!work.labelFirst()) {
      verdict = LabelDistribution.mean(paths.stream().map(ExplainPath::distribution).toList());
      sink.verdict(verdict);
    }
    Summary summary =
        new Summary(
            paths.get(0).finish(),
            promptTokens,
            paths.stream().mapToInt(ExplainPath::generated).sum(),
            times(),
            (firstToken - work.arrivalNanos) / 1e9,
            (lastToken - promptEnd) / 1e9,
            verdict);
    succeed(pool, () -> sink.finished(summary));
  }

  @Override
  void release(BlockCache pool) {
    paths.forEach(path -> path.release(pool));
    if (promptRest != null) {
      promptRest.close();
      promptRest = null;
    }
  }

  @Override
  void tellFailed(FaultException fault) {
    sink.failed(fault);
  }

  private final class PromptShare implements BatchPlan.Share {
    private final int scored;

    PromptShare(int scored) {
      this.scored = scored;
    }

    @Override
    public Job job() {
      return ExplainJob.this;
    }

    @Override
    public void apply(BatchResult result) {
      promptRest.commit();
      promptEnds(System.nanoTime());
      if (work.labelFirst()) {
        verdict = LabelDistribution.of(work.model.labels(), result.labelLogProbabilities(scored));
        sink.verdict(verdict);
      }
    }
  }
}
