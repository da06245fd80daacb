package dev.gavel.server.scheduling;

import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineException;
import dev.gavel.server.engine.BlockCache;
import dev.gavel.server.engine.Device;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop of one device: drop what nobody waits for, compose a batch, compute it, hand out
 * results. Its thread alone drives the engine. A batch that fails takes only its own calls with it.
 */
public final class DeviceLoop implements AutoCloseable {
  /**
   * How the loop schedules.
   *
   * @param batchDelayMicrosMax how long a batch that is not full waits for more calls; 0: not
   * @param explainStreamsMax reasoning paths that decode at once
   * @param slowReaderSecondsMax how long a caller may take no reasoning token
   * @param kvCache whether KV stays held when no call uses it
   */
  public record Options(
      Admission.Bounds bounds,
      long batchDelayMicrosMax,
      int explainStreamsMax,
      int slowReaderSecondsMax,
      boolean kvCache) {}

  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final Logger LOG = LoggerFactory.getLogger(DeviceLoop.class);

  private final Options options;
  private final ServerStats stats;
  private final RowRate rate = new RowRate();
  private final Admission admission;
  private final Thread thread;

  private final Inbox inbox = new Inbox();

  // The loop's thread only:
  private final ScoreQueue scores = new ScoreQueue();
  private final ExplainSet explains;
  private final DeviceHealth health;
  private Device device;
  private boolean scoreWentFirst;
  private BlockCache.Counts published = new BlockCache.Counts(0, 0, 0);

  /**
   * Starts the loop and waits until the engine has taken the labels.
   *
   * @param labelForms per label, its surface forms as tokens
   * @param onHealth told false when batches keep failing and true when one succeeds again
   * @throws EngineException if the engine refuses the labels
   */
  public static DeviceLoop start(
      Engine engine,
      List<List<int[]>> labelForms,
      Options options,
      ServerStats stats,
      Consumer<Boolean> onHealth) {
    CompletableFuture<Void> ready = new CompletableFuture<>();
    DeviceLoop loop = new DeviceLoop(engine, labelForms, options, stats, onHealth, ready);
    loop.thread.start();
    try {
      ready.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
    return loop;
  }

  private DeviceLoop(
      Engine engine,
      List<List<int[]>> labelForms,
      Options options,
      ServerStats stats,
      Consumer<Boolean> onHealth,
      CompletableFuture<Void> ready) {
    this.options = options;
    this.stats = stats;
    this.health = new DeviceHealth(onHealth);
    this.admission = new Admission(options.bounds, rate, stats);
    this.explains = new ExplainSet(options.explainStreamsMax);
    this.thread =
        new Thread(() -> run(engine, labelForms, ready), "gavel-" + engine.info().device());
  }

  /**
   * What the device holds.
   *
   * @param rowsMax rows of the largest batch
   * @param labelRows rows that each scored sequence adds to its tokens
   * @param blocks KV blocks of {@code blockTokens} tokens
   */
  public record Capacity(int rowsMax, int labelRows, int blocks, int blockTokens) {}

  /** Any thread. */
  public Capacity capacity() {
    BlockCache pool = device.blocks();
    return new Capacity(
        device.rowsMax(), device.labels().extraRows(), pool.total(), pool.blockTokens());
  }

  /** Where calls enter. */
  public Admission admission() {
    return admission;
  }

  /** Hands over a job; it fails as DRAINING if the loop is stopping. Any thread. */
  public void submit(Job job) {
    job.attach(inbox);
    if (inbox.post(job)) {
      stats.add(Counter.READY_REQUESTS, 1);
    } else {
      job.fail(null, draining());
    }
  }

  /** Stops the running batch, fails all jobs as DRAINING and waits for the thread. Idempotent. */
  @Override
  public void close() {
    inbox.stop();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run(Engine engine, List<List<int[]>> labelForms, CompletableFuture<Void> ready) {
    try {
      device = new Device(engine, labelForms, options.kvCache);
    } catch (Throwable t) {
      ready.completeExceptionally(t);
      return;
    }
    stats.set(Gauge.KV_BLOCKS, device.blocks().total());
    publish();
    ready.complete(null);
    boolean worked = true;
    while (!inbox.isStopping()) {
      receive(worked ? 0 : IDLE_NANOS);
      try {
        worked = step();
      } catch (Throwable t) {
        LOG.error("the loop failed; its calls fail with it", t);
        failAll(FaultException.of(Fault.INTERNAL, "internal error", t));
        health.failed();
        worked = true;
      }
    }
    failAll(draining());
    device.blocks().clear();
    publish();
    device.close();
  }

  private static FaultException draining() {
    return FaultException.retryable(Fault.DRAINING, "the server is shutting down", 1_000);
  }

  /** Takes new jobs in, after waiting at most so long for something to happen. */
  private void receive(long waitNanos) {
    for (Job job : inbox.take(waitNanos)) {
      if (job instanceof ScoreJob score) {
        scores.add(score);
      } else {
        explains.add((ExplainJob) job);
      }
    }
  }

  /** One round; false if there was nothing to compute. */
  private boolean step() {
    long now = System.nanoTime();
    drop(now);
    try (BatchPlan plan = new BatchPlan(device)) {
      long hold = explains.isEmpty() ? scores.holdNanos(plan, options.batchDelayMicrosMax, now) : 0;
      if (hold > 0) {
        receive(hold);
        return true;
      }
      compose(plan, now);
      if (plan.shares().isEmpty()) {
        probeIfBroken();
        return false;
      }
      compute(plan);
    }
    scores.purge();
    explains.purge();
    publish();
    return true;
  }

  /** Tells the world about the KV blocks. */
  private void publish() {
    BlockCache blocks = device.blocks();
    stats.set(Gauge.KV_BLOCKS_FREE, blocks.available());
    stats.set(Gauge.KV_BLOCKS_CACHED, blocks.held());
    BlockCache.Counts counts = blocks.counts();
    stats.add(Counter.KV_CACHE_QUERIED_TOKENS, counts.queriedTokens() - published.queriedTokens());
    stats.add(Counter.KV_CACHE_FOUND_TOKENS, counts.foundTokens() - published.foundTokens());
    stats.add(Counter.KV_CACHE_EVICTED_BLOCKS, counts.evictedBlocks() - published.evictedBlocks());
    published = counts;
  }

  private void drop(long now) {
    BlockCache pool = device.blocks();
    scores.jobs().forEach(job -> dropIfDead(job, pool, now));
    explains.jobs().forEach(job -> dropIfDead(job, pool, now));
    long pauseMax = TimeUnit.SECONDS.toNanos(options.slowReaderSecondsMax);
    explains
        .jobs()
        .filter(job -> job.pausedNanos(now) > pauseMax)
        .forEach(job -> job.fail(pool, tooSlow()));
    scores.purge();
    explains.purge();
    publish();
  }

  private FaultException tooSlow() {
    return FaultException.of(
        Fault.READER_TOO_SLOW,
        "expected the caller to read within "
            + options.slowReaderSecondsMax
            + " s, found no token taken");
  }

  private void dropIfDead(Job job, BlockCache pool, long now) {
    if (job.isExpired(now)) {
      stats.count(Counter.EXPIRED);
      job.fail(pool, FaultException.of(Fault.DEADLINE_PASSED, "the deadline passed"));
    } else if (job.isDead(now)) {
      stats.count(Counter.CANCELLED);
      job.fail(pool, FaultException.of(Fault.CANCELLED, "the caller cancelled"));
    }
  }

  /**
   * Explanations take a row per path, so they go first, unless the first Score call then had no
   * room at all; then they take turns.
   */
  private void compose(BatchPlan plan, long now) {
    explains.begin(device.blocks());
    int roomForScore = plan.room() - explains.urgentRows(plan, now);
    scoreWentFirst = !scoreWentFirst && scores.leastRows(plan) > roomForScore;
    if (!scoreWentFirst) {
      explains.addSteps(plan, now);
      explains.addOverduePrompts(plan);
    }
    scores.fill(plan, !explains.wantsBlocks());
    if (scoreWentFirst) {
      explains.addSteps(plan, now);
    }
    explains.addPrompts(plan);
  }

  private void compute(BatchPlan plan) {
    Set<Job> jobs = new LinkedHashSet<>();
    plan.shares().forEach(share -> jobs.add(share.job()));
    long start = System.nanoTime();
    jobs.forEach(job -> job.batchStarts(start));
    BatchResult result = null;
    FaultException fault = null;
    try {
      inbox.batchStarts(jobs, device::cancel);
      stats.count(Counter.BATCHES);
      result = device.run(plan.mass());
    } catch (EngineException e) {
      fault = faultOf(e);
    } catch (RuntimeException | Error e) {
      fault = FaultException.of(Fault.INTERNAL, "internal error", e);
    } finally {
      inbox.batchEnds();
    }
    long end = System.nanoTime();
    for (Job job : jobs) {
      job.batchEnds(end, result);
    }
    if (result != null) {
      plan.commit();
      succeeded(plan, end - start);
      handOut(plan, jobs, result);
    } else if (fault != null) {
      fail(jobs, fault);
    }
  }

  /** Null where the batch was stopped because nobody waits for it: nothing to tell anyone. */
  private FaultException faultOf(EngineException e) {
    if (e.code() == EngineException.Code.CANCELLED) {
      stats.count(Counter.CANCELLED_BATCHES);
      return null;
    }
    return FaultException.of(Fault.ENGINE_FAILED, "engine: " + e.getMessage(), e);
  }

  private void fail(Set<Job> jobs, FaultException fault) {
    LOG.error("a batch of {} calls failed: {}", jobs.size(), fault.getMessage(), fault.getCause());
    stats.count(Counter.FAILED_BATCHES);
    jobs.forEach(job -> job.fail(device.blocks(), fault));
    health.failed();
  }

  private void succeeded(BatchPlan plan, long nanos) {
    stats.add(Counter.ROWS, plan.rows());
    stats.add(Counter.GENERATED_TOKENS, plan.nextSampled());
    if (plan.scores()) {
      rate.record(plan.rows() + plan.foundTokens(), nanos / 1e9);
      stats.set(Gauge.ROWS_PER_SECOND, (long) rate.perSecond());
    }
    health.succeeded();
  }

  private void handOut(BatchPlan plan, Set<Job> jobs, BatchResult result) {
    for (BatchPlan.Share share : plan.shares()) {
      guarded(share.job(), () -> share.apply(result));
    }
    for (Job job : jobs) {
      guarded(job, () -> job.afterBatch(device.blocks()));
    }
  }

  /** A result that cannot be used, a NaN for one, fails its own job only. */
  private void guarded(Job job, Runnable step) {
    if (job.hasEnded()) {
      return;
    }
    try {
      step.run();
    } catch (RuntimeException e) {
      LOG.error("a result could not be used", e);
      job.fail(device.blocks(), FaultException.of(Fault.INTERNAL, "internal error", e));
    }
  }

  private void failAll(FaultException fault) {
    receive(0);
    List<Job> all = new ArrayList<>(scores.jobs());
    explains.jobs().forEach(all::add);
    all.forEach(job -> job.fail(device.blocks(), fault));
    scores.purge();
    explains.purge();
    publish();
  }

  /** A broken device without calls would never be found well again: it gets one row to compute. */
  private void probeIfBroken() {
    if (!health.isBroken()) {
      return;
    }
    device.batch().clear();
    device.batch().root(new int[] {0});
    device.batch().score();
    try {
      device.run(false);
      health.succeeded();
    } catch (RuntimeException e) {
      LOG.debug("still not ready", e);
    }
  }
}
