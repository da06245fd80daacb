package dev.gavel.server.api;

import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import java.util.concurrent.TimeUnit;

/** Counts running requests and lets no new one in while draining. Any thread. */
public final class CallGate {
  private static final long RETRY_MILLIS = 1_000;

  private final ServerStats stats;
  private int running;
  private boolean draining;

  public CallGate(ServerStats stats) {
    this.stats = stats;
  }

  /**
   * Lets a request in; it must {@link #exit} once.
   *
   * @throws FaultException DRAINING
   */
  synchronized void enter() {
    if (draining) {
      throw FaultException.retryable(Fault.DRAINING, "the server is shutting down", RETRY_MILLIS);
    }
    stats.set(Gauge.RUNNING_REQUESTS, ++running);
  }

  synchronized void exit() {
    stats.set(Gauge.RUNNING_REQUESTS, --running);
    notifyAll();
  }

  /** Lets nobody in from now on. */
  public synchronized void drain() {
    draining = true;
  }

  /** Waits until no request is running; false if some still are after so long. */
  public synchronized boolean awaitEmpty(long nanos) throws InterruptedException {
    long end = System.nanoTime() + nanos;
    while (running > 0) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
    return true;
  }
}
