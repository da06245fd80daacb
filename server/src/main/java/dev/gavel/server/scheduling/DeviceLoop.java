package dev.gavel.server.scheduling;

import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineException;
import dev.gavel.server.engine.BlockCache;
import dev.gavel.server.engine.Device;
import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.DeviceStats.Level;
import dev.gavel.server.observability.ServerStats.Counter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop of one device: drop what nobody waits for, compose a batch, compute it, hand out
 * results. Its thread alone drives the engine. A batch that fails takes only its own calls with it;
 * a device that keeps failing gives its other calls away.
 */
final class DeviceLoop implements AutoCloseable {
  /** Whom the loop tells what it cannot decide. Called on the loop's thread. */
  interface Owner {
    /** The device began to fail, or works again: see {@link #problem}. */
    void healthChanged(DeviceLoop loop);

    /** Another device has to take the job over; it is detached. */
    void moved(Job job);
  }

  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final Logger LOG = LoggerFactory.getLogger(DeviceLoop.class);

  private final String name;
  private final Scheduler.Options options;
  private final DeviceStats stats;
  private final Owner owner;
  private final RowRate rate = new RowRate();
  private final Backlog backlog;
  private final Thread thread;

  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final Inbox inbox = new Inbox();
  private volatile String failed; // why batches keep failing, or null
  private volatile String lost; // what the driver says of the device, or null

  // The loop's thread only:
  private final DeviceQueue queue;
  private final DeviceHealth health;
  private Device device;
  private String lastFailure = "";
  private BlockCache.Counts published = new BlockCache.Counts(0, 0, 0);

  /**
   * Starts the loop and waits until the engine has taken the labels.
   *
   * @param labelForms per label, its surface forms as tokens
   * @throws EngineException if the engine refuses the labels
   */
  static DeviceLoop start(
      Engine engine,
      List<List<int[]>> labelForms,
      Scheduler.Options options,
      DeviceStats stats,
      Owner owner) {
    DeviceLoop loop = new DeviceLoop(engine, labelForms, options, stats, owner);
    loop.thread.start();
    try {
      loop.ready.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
    return loop;
  }

  private DeviceLoop(
      Engine engine,
      List<List<int[]>> labelForms,
      Scheduler.Options options,
      DeviceStats stats,
      Owner owner) {
    this.name = stats.device();
    this.options = options;
    this.stats = stats;
    this.owner = owner;
    this.backlog = new Backlog(stats);
    this.health = new DeviceHealth(name);
    this.queue = new DeviceQueue(options, stats);
    this.thread = new Thread(() -> run(engine, labelForms), "gavel-" + name);
  }

  /** Any thread, and so is what follows. */
  Device device() {
    return device;
  }

  String name() {
    return name;
  }

  RowRate rate() {
    return rate;
  }

  Backlog backlog() {
    return backlog;
  }

  /** Why the device takes no calls; null while it does. */
  String problem() {
    String driver = lost;
    return driver != null ? driver : failed;
  }

  boolean serves() {
    return lost == null && failed == null;
  }

  /**
   * What the driver says: the device takes no calls while it is lost.
   *
   * @param problem why it is lost, or null
   */
  void setLost(String problem) {
    lost = problem;
    publishServing();
    inbox.wake();
  }

  private synchronized void publishServing() {
    stats.set(Level.SERVING, serves() ? 1 : 0);
  }

  /** Hands over a job; false if the loop is stopping. */
  boolean post(Job job, long rows) {
    job.attach(inbox, backlog.add(rows));
    return inbox.post(job);
  }

  /** Takes no job from now on, and stops the running batch; {@link #close} then waits. */
  void stop() {
    inbox.stop();
  }

  /** Stops the running batch, fails all jobs as DRAINING and waits for the thread. Idempotent. */
  @Override
  public void close() {
    stop();
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

  private void run(Engine engine, List<List<int[]>> labelForms) {
    try {
      device = new Device(engine, labelForms, options.kvCache());
    } catch (Throwable t) {
      ready.completeExceptionally(t);
      return;
    }
    stats.set(Level.KV_BLOCKS, device.blocks().total());
    publish();
    ready.complete(null);
    boolean worked = true;
    while (!inbox.isStopping()) {
      receive(worked ? 0 : IDLE_NANOS);
      try {
        worked = isUsable() && step();
      } catch (Throwable t) {
        LOG.error("{}: the loop failed; its calls fail with it", name, t);
        failAll(FaultException.of(Fault.INTERNAL, "internal error", t));
        noteFailure("internal error");
        worked = true;
      }
    }
    failAll(draining());
    device.blocks().clear();
    publish();
    device.close();
  }

  /** Whether the device may compute; if not, it holds no calls afterwards. */
  private boolean isUsable() {
    long now = System.nanoTime();
    if (lost == null && health.isTrialDue(now)) {
      health.tried(computesARow(), now);
    }
    setFailed(health.isDoubtful() ? lastFailure : null);
    if (serves()) {
      return true;
    }
    giveAway();
    return false;
  }

  private void setFailed(String problem) {
    if ((problem == null) != (failed == null)) {
      failed = problem;
      publishServing();
      owner.healthChanged(this);
    }
  }

  private boolean computesARow() {
    device.batch().clear();
    device.batch().root(new int[] {0});
    device.batch().score();
    try {
      device.run(false);
      return true;
    } catch (RuntimeException | Error e) {
      lastFailure = Objects.requireNonNullElse(e.getMessage(), e.toString());
      LOG.debug("{}: still fails", name, e);
      return false;
    }
  }

  /** Other devices take what can go on there; what cannot fails. */
  private void giveAway() {
    List<Job> all = queue.jobs();
    for (Job job : all) {
      if (job.isMovable()) {
        job.detach(device.blocks());
      } else {
        job.fail(device.blocks(), Admission.deviceFailed(name));
      }
    }
    queue.clear();
    device.blocks().clear(); // nobody knows whether a device that failed still holds it
    publish();
    all.stream().filter(job -> !job.hasEnded()).forEach(owner::moved);
  }

  static FaultException draining() {
    return FaultException.retryable(Fault.DRAINING, "the server is shutting down", 1_000);
  }

  /** Takes new jobs in, after waiting at most so long for something to happen. */
  private void receive(long waitNanos) {
    inbox.take(waitNanos).forEach(queue::add);
  }

  /** One round; false if there was nothing to compute. */
  private boolean step() {
    long now = System.nanoTime();
    queue.drop(device.blocks(), now);
    publish();
    try (BatchPlan plan = new BatchPlan(device)) {
      long hold = queue.holdNanos(plan, now);
      if (hold > 0) {
        receive(hold);
        return true;
      }
      queue.compose(plan, now);
      if (plan.shares().isEmpty()) {
        return false;
      }
      compute(plan);
    }
    queue.purge();
    publish();
    return true;
  }

  /** Tells the world about the KV blocks. */
  private void publish() {
    BlockCache blocks = device.blocks();
    stats.set(Level.KV_BLOCKS_FREE, blocks.available());
    stats.set(Level.KV_BLOCKS_CACHED, blocks.held());
    BlockCache.Counts counts = blocks.counts();
    stats.add(Counter.KV_CACHE_QUERIED_TOKENS, counts.queriedTokens() - published.queriedTokens());
    stats.add(Counter.KV_CACHE_FOUND_TOKENS, counts.foundTokens() - published.foundTokens());
    stats.add(Counter.KV_CACHE_EVICTED_BLOCKS, counts.evictedBlocks() - published.evictedBlocks());
    published = counts;
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
    String why = fault.getMessage();
    LOG.error("{}: a batch of {} calls failed: {}", name, jobs.size(), why, fault.getCause());
    stats.count(Counter.FAILED_BATCHES);
    jobs.forEach(job -> job.fail(device.blocks(), fault));
    noteFailure(why);
  }

  private void noteFailure(String why) {
    lastFailure = why;
    health.failed(System.nanoTime());
  }

  private void succeeded(BatchPlan plan, long nanos) {
    stats.add(Counter.ROWS, plan.rows());
    stats.add(Counter.GENERATED_TOKENS, plan.nextSampled());
    if (plan.scores()) {
      rate.record(plan.rows() + plan.foundTokens(), nanos / 1e9);
      stats.set(Level.ROWS_PER_SECOND, (long) rate.perSecond());
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
    queue.jobs().forEach(job -> job.fail(device.blocks(), fault));
    queue.clear();
    publish();
  }
}
