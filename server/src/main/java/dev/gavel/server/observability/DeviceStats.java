package dev.gavel.server.observability;

import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * What one device counts. What it counts is counted for the server too, and what it holds is a part
 * of what the server holds. A level has one writer; any thread reads.
 */
public final class DeviceStats {
  /** A {@link Level} nobody can tell. */
  public static final long UNKNOWN = -1;

  /** Things of one device that rise and fall. */
  public enum Level {
    /** 1 while the device takes calls, 0 while it is failed. */
    SERVING(null, 1),
    /** Rows that it has been given and has not yet computed. */
    ASSIGNED_ROWS(null, 0),
    KV_BLOCKS(Gauge.KV_BLOCKS, 0),
    KV_BLOCKS_FREE(Gauge.KV_BLOCKS_FREE, 0),
    KV_BLOCKS_CACHED(Gauge.KV_BLOCKS_CACHED, 0),
    ROWS_PER_SECOND(Gauge.ROWS_PER_SECOND, 0),
    /** Bytes of the GPU's memory; this and what follows: {@link #UNKNOWN} without a driver. */
    MEMORY_BYTES(null, UNKNOWN),
    /** Bytes of it that are in use, by any process. */
    MEMORY_USED_BYTES(null, UNKNOWN),
    /** Percent of the last sample period in which the GPU computed. */
    UTILIZATION_PERCENT(null, UNKNOWN),
    TEMPERATURE_CELSIUS(null, UNKNOWN),
    /** 1 while heat or power slows the GPU down. */
    THROTTLED(null, UNKNOWN);

    private final Gauge sum; // of which it is a part, or null
    private final long initial;

    Level(Gauge sum, long initial) {
      this.sum = sum;
      this.initial = initial;
    }
  }

  private final String device;
  private final ServerStats server;
  private final LongAdder[] counters = new LongAdder[Counter.values().length];
  private final AtomicLong[] levels = new AtomicLong[Level.values().length];

  DeviceStats(String device, ServerStats server) {
    this.device = device;
    this.server = server;
    for (int i = 0; i < counters.length; i++) {
      counters[i] = new LongAdder();
    }
    for (Level level : Level.values()) {
      levels[level.ordinal()] = new AtomicLong(level.initial);
    }
  }

  /** The device's name: the metrics' label {@code device}. */
  public String device() {
    return device;
  }

  public void count(Counter counter) {
    add(counter, 1);
  }

  public void add(Counter counter, long amount) {
    counters[counter.ordinal()].add(amount);
    server.add(counter, amount);
  }

  /** This device's part of the server's counter; 0 where devices have no part in it. */
  public long get(Counter counter) {
    return counters[counter.ordinal()].sum();
  }

  public void set(Level level, long value) {
    long before = levels[level.ordinal()].getAndSet(value);
    if (level.sum != null) {
      server.change(level.sum, value - before);
    }
  }

  public long get(Level level) {
    return levels[level.ordinal()].get();
  }
}
