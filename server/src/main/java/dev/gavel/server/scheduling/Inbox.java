package dev.gavel.server.scheduling;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What other threads tell a loop: new jobs, that something changed, that jobs of the running batch
 * are no longer wanted, and to stop. Any thread.
 */
final class Inbox {
  private static final Logger LOG = LoggerFactory.getLogger(Inbox.class);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition signal = lock.newCondition();
  // Guarded by lock:
  private List<Job> jobs = new ArrayList<>();
  private boolean signalled;
  private boolean stopping;
  private Set<Job> inBatch = Set.of();
  private Runnable stopBatch = () -> {};

  /** Hands a job over; false if the loop is stopping and takes none. */
  boolean post(Job job) {
    lock.lock();
    try {
      if (stopping) {
        return false;
      }
      jobs.add(job);
      wake();
      return true;
    } finally {
      lock.unlock();
    }
  }

  void wake() {
    lock.lock();
    try {
      signalled = true;
      signal.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Takes the new jobs, after waiting at most so long for something to happen. */
  List<Job> take(long waitNanos) {
    lock.lock();
    try {
      long left = waitNanos;
      while (!signalled && left > 0) {
        left = signal.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      LOG.warn("a loop's thread was interrupted; nobody should do that");
    } finally {
      lock.unlock();
    }
    return take();
  }

  private List<Job> take() {
    lock.lock();
    try {
      signalled = false;
      List<Job> taken = jobs;
      jobs = new ArrayList<>();
      return taken;
    } finally {
      lock.unlock();
    }
  }

  /** No job is taken from now on, and the running batch is stopped. */
  void stop() {
    lock.lock();
    try {
      stopping = true;
      if (!inBatch.isEmpty()) {
        stopBatch.run();
      }
      wake();
    } finally {
      lock.unlock();
    }
  }

  boolean isStopping() {
    lock.lock();
    try {
      return stopping;
    } finally {
      lock.unlock();
    }
  }

  /** A batch for these jobs runs; {@code stop} is called if none of them is wanted any more. */
  void batchStarts(Set<Job> members, Runnable stop) {
    lock.lock();
    try {
      inBatch = members;
      stopBatch = stop;
      stopIfDeserted();
    } finally {
      lock.unlock();
    }
  }

  /** That batch ended; it is not stopped after this returns. */
  void batchEnds() {
    lock.lock();
    try {
      inBatch = Set.of();
    } finally {
      lock.unlock();
    }
  }

  /** A job was cancelled. */
  void cancelled() {
    lock.lock();
    try {
      stopIfDeserted();
      wake();
    } finally {
      lock.unlock();
    }
  }

  private void stopIfDeserted() {
    long now = System.nanoTime();
    if (!inBatch.isEmpty() && inBatch.stream().allMatch(job -> job.isDead(now))) {
      stopBatch.run();
    }
  }
}
