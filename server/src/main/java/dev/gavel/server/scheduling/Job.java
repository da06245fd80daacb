package dev.gavel.server.scheduling;

import dev.gavel.engine.BatchResult;
import dev.gavel.server.engine.BlockCache;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Admitted work of one request. It ends exactly once: done, or failed. Everything but {@link
 * #cancel} and {@link #wake} belongs to the loop's thread.
 */
public abstract class Job {
  /** The deadline of work that has none. */
  public static final long NO_DEADLINE = Long.MAX_VALUE;

  private static final Logger LOG = LoggerFactory.getLogger(Job.class);

  private final long deadlineNanos;
  private final Admission.Ticket ticket;
  private final AtomicBoolean dropCounted; // one for all parts of a call
  private volatile boolean cancelled;
  private volatile Inbox loop;
  private Backlog.Part backlog;
  private boolean ended;
  private long waitingSince = System.nanoTime();
  private long queueNanos;
  private double prefillSeconds;
  private double headSeconds;

  /**
   * @param deadlineNanos on the scale of {@link System#nanoTime}, or {@link #NO_DEADLINE}. The
   *     owner also cancels the job when it passes: that is what stops a running batch.
   */
  Job(long deadlineNanos, Admission.Ticket ticket) {
    this(deadlineNanos, ticket, new AtomicBoolean());
  }

  /** A part of {@code whole}, with a ticket of its own. */
  Job(Job whole, Admission.Ticket ticket) {
    this(whole.deadlineNanos, ticket, whole.dropCounted);
  }

  private Job(long deadlineNanos, Admission.Ticket ticket, AtomicBoolean dropCounted) {
    this.deadlineNanos = deadlineNanos;
    this.ticket = ticket;
    this.dropCounted = dropCounted;
  }

  /** The caller left: nothing of this job is computed after the running batch. Any thread. */
  public void cancel() {
    cancelled = true;
    Inbox current = loop;
    if (current != null) {
      current.cancelled();
    }
  }

  /** Something the job waited for may have happened. Any thread. */
  public final void wake() {
    Inbox current = loop;
    if (current != null) {
      current.wake();
    }
  }

  /**
   * Goes to a device; before it is posted there.
   *
   * @param rows its part of the device's backlog
   */
  final void attach(Inbox owner, Backlog.Part rows) {
    backlog = rows;
    loop = owner;
  }

  /** Leaves its device, to be attached to another: holds no KV there, and owes it no rows. */
  final void detach(BlockCache pool) {
    release(pool);
    backlog.end();
  }

  /** Whether another device can take the job over. */
  abstract boolean isMovable();

  /** True once, for whichever part of a call is dropped first. */
  final boolean isFirstDropped() {
    return dropCounted.compareAndSet(false, true);
  }

  final boolean isCancelled() {
    return cancelled;
  }

  /**
   * Some of the job is done.
   *
   * @param rows as they were admitted
   * @param found those of them that were held already
   */
  final void computed(int items, int rows, int found) {
    ticket.computed(items, rows);
    backlog.computed(rows - found);
  }

  final Admission.Ticket ticket() {
    return ticket;
  }

  final boolean isExpired(long now) {
    return deadlineNanos != NO_DEADLINE && deadlineNanos - now <= 0;
  }

  /** Whether nobody waits for the job any more. Any thread. */
  final boolean isDead(long now) {
    return cancelled || isExpired(now);
  }

  final boolean hasEnded() {
    return ended;
  }

  /** A batch with a share of this job starts. */
  final void batchStarts(long now) {
    queueNanos += now - waitingSince;
  }

  /** That batch ended; {@code result} is null if it failed. */
  final void batchEnds(long now, BatchResult result) {
    waitingSince = now;
    if (result != null) {
      prefillSeconds += result.prefillSeconds();
      headSeconds += result.headSeconds();
    }
  }

  final StageSeconds times() {
    return new StageSeconds(queueNanos / 1e9, prefillSeconds, headSeconds);
  }

  /** Ends the job with a result: gives everything back, then tells the sink. */
  final void succeed(BlockCache pool, Runnable tellSink) {
    end(pool, tellSink);
  }

  /** Ends the job without a result; does nothing if it has ended. */
  final void fail(BlockCache pool, FaultException fault) {
    end(pool, () -> tellFailed(fault));
  }

  private void end(BlockCache pool, Runnable tellSink) {
    if (ended) {
      return;
    }
    ended = true;
    release(pool);
    if (backlog != null) {
      backlog.end();
    }
    ticket.close();
    try {
      tellSink.run();
    } catch (RuntimeException e) {
      LOG.warn("a sink failed; its caller may not get an answer", e);
    }
  }

  /** Once after each successful batch in which the job had shares; ends the job if it is done. */
  abstract void afterBatch(BlockCache pool);

  /** Gives all KV blocks back, and lets go of what is held. */
  abstract void release(BlockCache pool);

  abstract void tellFailed(FaultException fault);
}
