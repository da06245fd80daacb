package dev.gavel.server.scheduling;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The Score calls of one device, in the order they are served. Belongs to the loop's thread. */
final class ScoreQueue {
  private final ArrayDeque<ScoreJob> jobs = new ArrayDeque<>();
  private long oldestArrival;

  void add(ScoreJob job) {
    if (jobs.isEmpty()) {
      oldestArrival = System.nanoTime();
    }
    jobs.add(job);
  }

  boolean isEmpty() {
    return jobs.isEmpty();
  }

  Collection<ScoreJob> jobs() {
    return jobs;
  }

  /** Forgets the jobs that ended. */
  void purge() {
    jobs.removeIf(Job::hasEnded);
  }

  /** Forgets all jobs. */
  void clear() {
    jobs.clear();
  }

  /** Rows of the smallest share that lets the first call progress; 0 if there is none. */
  int leastRows(BatchPlan plan) {
    return jobs.isEmpty() ? 0 : jobs.peek().leastRows(plan);
  }

  /**
   * How long to wait for more calls, in nanoseconds: until there are enough, or {@code delayMicros}
   * have passed since the queue was empty.
   */
  long holdNanos(BatchPlan plan, long delayMicros, long now) {
    if (delayMicros == 0 || jobs.isEmpty()) {
      return 0;
    }
    long rows = 0;
    for (ScoreJob job : jobs) {
      rows += job.remainingRows(plan);
      if (rows >= plan.rowsEnough()) {
        return 0;
      }
    }
    return Math.max(0, oldestArrival + TimeUnit.MICROSECONDS.toNanos(delayMicros) - now);
  }

  /**
   * Fills the batch, first come, first served, until it has rows enough to keep the device busy:
   * whoever is in a batch waits for its end. A call too large for one batch gets half a batch while
   * others wait and then queues again, so that it delays each of them by little. The first call
   * decides whether this batch computes label mass; calls of the other kind wait.
   */
  void fill(BatchPlan plan, boolean mayKeep) {
    List<ScoreJob> again = new ArrayList<>();
    boolean others = jobs.size() > 1;
    for (ScoreJob job : jobs) {
      if (plan.scores() && job.mass() != plan.mass()) {
        continue;
      }
      boolean large = others && job.remainingRows(plan) > plan.rowsMax();
      if (job.addTo(plan, large ? plan.rowsMax() / 2 : plan.room(), mayKeep) && large) {
        again.add(job);
      }
      if (plan.isEnough() || plan.room() <= plan.scoredRows(1)) {
        break;
      }
    }
    jobs.removeAll(again);
    jobs.addAll(again);
  }
}
