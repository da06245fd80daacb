package dev.gavel.server.scheduling;

import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * The single point of admission. What is refused is refused at once; what is admitted holds a
 * {@link Ticket} until it ends. Any thread.
 *
 * <p>A Score call enters with its size, before anything is spent on it, and is admitted with its
 * tokens when those are known. An idle server admits any valid call, whatever the bounds; so a call
 * larger than the queue is served, one at a time.
 *
 * <p>A call is refused as DEADLINE_UNREACHABLE when the work queued before it and its own, at the
 * measured rate less what batches deviate from it, takes longer than its deadline allows. On entry
 * its own work is guessed from its bytes, so that refusing it does not cost its tokenizing. A call
 * that finds nothing queued is never refused so: a rate that was once measured too low must be able
 * to recover.
 */
public final class Admission {
  /** An answer's way from the loop to the caller, and what a deadline loses on its way here. */
  private static final double WAY_SECONDS = 0.003;

  /** Of rows per byte; each older call counts so many times the next. */
  private static final double MEMORY = 0.95;

  private static final long RETRY_MILLIS_MIN = 10;
  private static final long RETRY_MILLIS_MAX = 30_000;
  private static final long RETRY_MILLIS_UNKNOWN = 1_000;

  /**
   * How much may wait.
   *
   * @param itemsMax items admitted and not yet computed
   * @param tokensMax tokens admitted and not yet computed
   * @param explainPathsMax reasoning paths waiting and running
   */
  public record Bounds(int itemsMax, long tokensMax, int explainPathsMax) {}

  private final Bounds bounds;
  private final FleetRate rate;
  private final ServerStats stats;
  private long items;
  private long tokens;
  private long explainPaths;
  private double admittedRows; // of recent calls
  private double admittedBytes;

  Admission(Bounds bounds, FleetRate rate, ServerStats stats) {
    this.bounds = bounds;
    this.rate = rate;
    this.stats = stats;
  }

  /**
   * What is known of a Score call before it is tokenized.
   *
   * @param items to be computed
   * @param bytes of their part of the request
   * @param deadlineNanos on the scale of {@link System#nanoTime}, or {@link Job#NO_DEADLINE}
   */
  public record Entry(int items, long bytes, long deadlineNanos) {}

  /**
   * Enters a Score call.
   *
   * @throws FaultException DEVICE_FAILED, QUEUE_FULL, DEADLINE_PASSED or DEADLINE_UNREACHABLE
   */
  public synchronized Ticket enterScore(Entry entry) {
    requireDevice();
    int callItems = entry.items;
    if (items > 0 && items + callItems > bounds.itemsMax) {
      throw full(callItems + " items", items + " of " + bounds.itemsMax + " items");
    }
    if (tokens >= bounds.tokensMax) {
      throw full(callItems + " items", tokens + " of " + bounds.tokensMax + " tokens");
    }
    requireReachable(guessedRows(entry.bytes), entry.deadlineNanos);
    Ticket ticket = new Ticket();
    ticket.bytes = entry.bytes;
    ticket.change(callItems, 0, 0);
    return ticket;
  }

  /**
   * Enters an Explain call.
   *
   * @throws FaultException DEVICE_FAILED or EXPLAIN_QUEUE_FULL
   */
  public synchronized Ticket enterExplain(int paths) {
    requireDevice();
    if (explainPaths > 0 && explainPaths + paths > bounds.explainPathsMax) {
      stats.count(Counter.REFUSED_FULL);
      throw FaultException.retryable(
          Fault.EXPLAIN_QUEUE_FULL,
          "explanations: expected room for "
              + paths
              + " paths, found "
              + explainPaths
              + " of "
              + bounds.explainPathsMax
              + " in use",
          RETRY_MILLIS_UNKNOWN);
    }
    Ticket ticket = new Ticket();
    ticket.change(0, 0, paths);
    return ticket;
  }

  private void requireDevice() {
    if (!rate.anyServes()) {
      throw noDevice();
    }
  }

  /** What a call is told that finds no device. */
  static FaultException noDevice() {
    return FaultException.retryable(
        Fault.DEVICE_FAILED, "expected a device that works, found none", RETRY_MILLIS_UNKNOWN);
  }

  /** What a call is told whose device failed. */
  static FaultException deviceFailed(String device) {
    return FaultException.retryable(
        Fault.DEVICE_FAILED, "the device " + device + " failed", RETRY_MILLIS_UNKNOWN);
  }

  private double guessedRows(long bytes) {
    return admittedBytes > 0 ? bytes * (admittedRows / admittedBytes) : 0;
  }

  private void requireReachable(double rows, long deadlineNanos) {
    if (deadlineNanos == Job.NO_DEADLINE) {
      return;
    }
    double left = (deadlineNanos - System.nanoTime()) / (double) TimeUnit.SECONDS.toNanos(1);
    if (left <= 0) {
      stats.count(Counter.EXPIRED);
      throw FaultException.of(Fault.DEADLINE_PASSED, "the deadline passed before queueing");
    }
    double needed = rate.cautiousSecondsFor(tokens, rows) + WAY_SECONDS;
    if (tokens > 0 && needed > left) {
      stats.count(Counter.REFUSED_LATE);
      throw FaultException.of(
          Fault.DEADLINE_UNREACHABLE,
          String.format(
              Locale.ROOT,
              "deadline: expected at least %.3f s for the %d tokens queued and the call's %.0f,"
                  + " found %.3f s",
              needed,
              tokens,
              rows,
              left));
    }
  }

  private FaultException full(String wanted, String found) {
    stats.count(Counter.REFUSED_FULL);
    double seconds = rate.secondsFor(tokens);
    long millis =
        seconds > 0
            ? Math.min(RETRY_MILLIS_MAX, Math.max(RETRY_MILLIS_MIN, (long) (seconds * 1000)))
            : RETRY_MILLIS_UNKNOWN;
    return FaultException.retryable(
        Fault.QUEUE_FULL, "queue: expected room for " + wanted + ", found " + found, millis);
  }

  /** What one call holds of the queue. Closing gives back what is left; idempotent. */
  public final class Ticket implements AutoCloseable {
    private long bytes;
    private long heldItems;
    private long heldTokens;
    private long heldPaths;

    private Ticket() {}

    /**
     * Admits the call now that its cost is known.
     *
     * @param rows rows it will compute
     * @param deadlineNanos on the scale of {@link System#nanoTime}, or {@link Job#NO_DEADLINE}
     * @throws FaultException QUEUE_FULL, DEADLINE_PASSED or DEADLINE_UNREACHABLE; the ticket is
     *     still to be closed
     */
    public void admit(long rows, long deadlineNanos) {
      synchronized (Admission.this) {
        if (tokens > 0 && tokens + rows > bounds.tokensMax) {
          throw full(rows + " tokens", tokens + " of " + bounds.tokensMax + " tokens");
        }
        requireReachable(rows, deadlineNanos);
        admittedRows = admittedRows * MEMORY + rows;
        admittedBytes = admittedBytes * MEMORY + bytes;
        change(0, rows, 0);
      }
    }

    /**
     * A ticket of its own for a part of the call, which closes it; what it holds is no longer held
     * here.
     */
    Ticket split(int partItems, long partRows) {
      synchronized (Admission.this) {
        Ticket part = new Ticket();
        part.heldItems = Math.min(partItems, heldItems);
        part.heldTokens = Math.min(partRows, heldTokens);
        heldItems -= part.heldItems;
        heldTokens -= part.heldTokens;
        return part;
      }
    }

    /** Gives back what has been computed. */
    public void computed(int doneItems, long doneRows) {
      synchronized (Admission.this) {
        change(-Math.min(doneItems, heldItems), -Math.min(doneRows, heldTokens), 0);
      }
    }

    /** Gives back one reasoning path. */
    public void pathEnded() {
      synchronized (Admission.this) {
        change(0, 0, -Math.min(1, heldPaths));
      }
    }

    @Override
    public void close() {
      synchronized (Admission.this) {
        change(-heldItems, -heldTokens, -heldPaths);
      }
    }

    private void change(long itemsBy, long tokensBy, long pathsBy) {
      heldItems += itemsBy;
      heldTokens += tokensBy;
      heldPaths += pathsBy;
      items += itemsBy;
      tokens += tokensBy;
      explainPaths += pathsBy;
      stats.set(Gauge.QUEUED_ITEMS, items);
      stats.set(Gauge.QUEUED_TOKENS, tokens);
      stats.set(Gauge.EXPLAIN_PATHS, explainPaths);
    }
  }
}
