package dev.gavel.server.scheduling;

import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import java.util.concurrent.TimeUnit;

/**
 * The single point of admission. What is refused is refused at once; what is admitted holds a
 * {@link Ticket} until it ends. Any thread.
 *
 * <p>A Score call enters with its items, before anything is spent on it, and is admitted with its
 * tokens when those are known. An idle server admits any valid call, whatever the bounds; so a call
 * larger than the queue is served, one at a time.
 *
 * <p>A call is refused early as DEADLINE_UNREACHABLE when the work queued before it, at the
 * measured rate, takes longer than its deadline allows. A call that finds nothing queued is never
 * refused so: a rate that was once measured too low must be able to recover.
 */
public final class Admission {
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
  private final RowRate rate;
  private final ServerStats stats;
  private long items;
  private long tokens;
  private long explainPaths;

  Admission(Bounds bounds, RowRate rate, ServerStats stats) {
    this.bounds = bounds;
    this.rate = rate;
    this.stats = stats;
  }

  /**
   * Enters a Score call.
   *
   * @throws FaultException QUEUE_FULL
   */
  public synchronized Ticket enterScore(int callItems) {
    if (items > 0 && items + callItems > bounds.itemsMax) {
      throw full(callItems + " items", items + " of " + bounds.itemsMax + " items");
    }
    if (tokens >= bounds.tokensMax) {
      throw full(callItems + " items", tokens + " of " + bounds.tokensMax + " tokens");
    }
    Ticket ticket = new Ticket();
    ticket.change(callItems, 0, 0);
    return ticket;
  }

  /**
   * Enters an Explain call.
   *
   * @throws FaultException EXPLAIN_QUEUE_FULL
   */
  public synchronized Ticket enterExplain(int paths) {
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
        if (deadlineNanos != Job.NO_DEADLINE) {
          requireReachable(rows, deadlineNanos - System.nanoTime());
        }
        change(0, rows, 0);
      }
    }

    private void requireReachable(long rows, long remainingNanos) {
      if (remainingNanos <= 0) {
        stats.count(Counter.EXPIRED);
        throw FaultException.of(Fault.DEADLINE_PASSED, "the deadline passed before queueing");
      }
      double needed = rate.secondsFor(tokens + rows);
      if (tokens > 0 && needed > remainingNanos / (double) TimeUnit.SECONDS.toNanos(1)) {
        stats.count(Counter.REFUSED_LATE);
        throw FaultException.of(
            Fault.DEADLINE_UNREACHABLE,
            String.format(
                "deadline: expected at least %.3f s for the %d tokens queued and the call's %d,"
                    + " found %.3f s",
                needed, tokens, rows, remainingNanos / 1e9));
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
