package dev.gavel.server.scheduling;

import dev.gavel.server.engine.BlockCache;
import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.ServerStats.Counter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The calls of one device, and which of them goes into the next batch. The loop's thread only. */
final class DeviceQueue {
  private final Scheduler.Options options;
  private final DeviceStats stats;
  private final ScoreQueue scores = new ScoreQueue();
  private final ExplainSet explains;
  private boolean scoreWentFirst;

  DeviceQueue(Scheduler.Options options, DeviceStats stats) {
    this.options = options;
    this.stats = stats;
    this.explains = new ExplainSet(options.explainStreamsMax());
  }

  void add(Job job) {
    if (job instanceof ScoreJob score) {
      scores.add(score);
    } else {
      explains.add((ExplainJob) job);
    }
  }

  List<Job> jobs() {
    List<Job> all = new ArrayList<>(scores.jobs());
    explains.jobs().forEach(all::add);
    return all;
  }

  /** Forgets the jobs that ended. */
  void purge() {
    scores.purge();
    explains.purge();
  }

  /** Forgets all jobs. */
  void clear() {
    scores.clear();
    explains.clear();
  }

  /** How long a batch that is not full should wait for more calls. */
  long holdNanos(BatchPlan plan, long now) {
    return explains.isEmpty() ? scores.holdNanos(plan, options.batchDelayMicrosMax(), now) : 0;
  }

  /** Ends the jobs that nobody waits for. */
  void drop(BlockCache pool, long now) {
    scores.jobs().forEach(job -> dropIfDead(job, pool, now));
    explains.jobs().forEach(job -> dropIfDead(job, pool, now));
    long pauseMax = TimeUnit.SECONDS.toNanos(options.slowReaderSecondsMax());
    explains
        .jobs()
        .filter(job -> job.pausedNanos(now) > pauseMax)
        .forEach(job -> job.fail(pool, tooSlow()));
    purge();
  }

  private FaultException tooSlow() {
    return FaultException.of(
        Fault.READER_TOO_SLOW,
        "expected the caller to read within "
            + options.slowReaderSecondsMax()
            + " s, found no token taken");
  }

  private void dropIfDead(Job job, BlockCache pool, long now) {
    if (!job.isDead(now)) {
      return;
    }
    boolean expired = job.isExpired(now);
    if (job.isFirstDropped()) {
      stats.count(expired ? Counter.EXPIRED : Counter.CANCELLED);
    }
    job.fail(
        pool,
        expired
            ? FaultException.of(Fault.DEADLINE_PASSED, "the deadline passed")
            : FaultException.of(Fault.CANCELLED, "the caller cancelled"));
  }

  /**
   * Explanations take a row per path, so they go first, unless the first Score call then had no
   * room at all; then they take turns.
   */
  void compose(BatchPlan plan, long now) {
    explains.begin(plan.pool());
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
}
