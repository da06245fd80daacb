package dev.gavel.server.scheduling;

import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.DeviceStats.Level;

/** Rows that a device has been given and has not yet computed. Any thread. */
final class Backlog {
  private final DeviceStats stats;
  private long rows;
  private long everAdded;

  Backlog(DeviceStats stats) {
    this.stats = stats;
  }

  /** A job's part of a backlog; taken off as it is computed, and at the latest at its end. */
  final class Part {
    private long left;

    private Part(long rows) {
      left = rows;
    }

    void computed(long done) {
      synchronized (Backlog.this) {
        long taken = Math.min(left, done);
        left -= taken;
        change(-taken);
      }
    }

    /** Takes off what is left; idempotent. */
    void end() {
      computed(Long.MAX_VALUE);
    }
  }

  synchronized Part add(long more) {
    change(more);
    everAdded += more;
    return new Part(more);
  }

  private void change(long by) {
    rows += by;
    stats.set(Level.ASSIGNED_ROWS, rows);
  }

  synchronized long rows() {
    return rows;
  }

  /** All rows that were ever added. */
  synchronized long everAdded() {
    return everAdded;
  }
}
