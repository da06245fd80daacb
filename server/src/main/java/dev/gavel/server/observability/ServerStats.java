package dev.gavel.server.observability;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counters since the start, and gauges of now: of the server, and of each of its devices. Any
 * thread.
 */
public final class ServerStats {
  /** Most devices that can be told apart. */
  public static final int DEVICES_MAX = 64;

  /** Things that only ever grow. */
  public enum Counter {
    /** Score requests that passed validation, those of streams included. */
    SCORE_REQUESTS,
    /** Explain requests that passed validation. */
    EXPLAIN_REQUESTS,
    /** Items of those Score requests. */
    ITEMS,
    /** Items that could not be judged. */
    BAD_ITEMS,
    /** Items of which tokens were cut. */
    TRUNCATED_ITEMS,
    /** Requests that broke a rule of the wire. */
    INVALID_REQUESTS,
    /** Requests refused because a queue was full. */
    REFUSED_FULL,
    /** Requests refused because their deadline could not be kept. */
    REFUSED_LATE,
    /** Requests dropped because their deadline had passed. */
    EXPIRED,
    /** Requests dropped because their caller left. */
    CANCELLED,
    /** Requests that reached a device's loop: admitted, tokenized, ready for a batch. */
    READY_REQUESTS,
    /** Batches handed to the engine. */
    BATCHES,
    /** Batches stopped half way because nobody waited for them any more. */
    CANCELLED_BATCHES,
    /** Batches that failed. */
    FAILED_BATCHES,
    /** Rows of completed batches, the label trie's included. */
    ROWS,
    /** Reasoning tokens generated. */
    GENERATED_TOKENS,
    /** Score calls that went on in a second batch without kept prefix. */
    PREFIX_RECOMPUTED,
    /** Score calls whose items were dealt out over several devices. */
    SPREAD_REQUESTS,
    /** Requests that a failed device gave to another before it had begun them. */
    MOVED_REQUESTS,
    /** Prompt tokens that were looked for in the block cache. */
    KV_CACHE_QUERIED_TOKENS,
    /** Those of them whose KV was held. */
    KV_CACHE_FOUND_TOKENS,
    /** KV blocks given up to make room for others. */
    KV_CACHE_EVICTED_BLOCKS,
    /** Items whose judgment was looked for in the result cache. */
    RESULT_CACHE_QUERIED_ITEMS,
    /** Those of them that were found. */
    RESULT_CACHE_FOUND_ITEMS,
    /** Judgments given up because the result cache was full or they were too old. */
    RESULT_CACHE_EVICTED_ITEMS
  }

  /** Things that rise and fall. */
  public enum Gauge {
    /** Requests being worked on. */
    RUNNING_REQUESTS,
    /** Items admitted and not yet computed. */
    QUEUED_ITEMS,
    /** Tokens admitted and not yet computed. */
    QUEUED_TOKENS,
    /** Reasoning paths admitted and not yet ended. */
    EXPLAIN_PATHS,
    /** KV blocks of the pool. */
    KV_BLOCKS,
    /** KV blocks that no call uses: those that hold nothing and those held for later calls. */
    KV_BLOCKS_FREE,
    /** KV blocks that later calls can find, whether a call uses them now or not. */
    KV_BLOCKS_CACHED,
    /** Judgments in the result cache. */
    RESULT_CACHE_ITEMS,
    /** Bytes of memory they take, about. */
    RESULT_CACHE_BYTES,
    /**
     * Rows per second that the devices together get through at their rates of late, those found in
     * the block cache included; 0 before the first batch.
     */
    ROWS_PER_SECOND
  }

  private final LongAdder[] counters = new LongAdder[Counter.values().length];
  private final AtomicLong[] gauges = new AtomicLong[Gauge.values().length];
  private final List<DeviceStats> devices = new ArrayList<>();

  public ServerStats() {
    for (int i = 0; i < counters.length; i++) {
      counters[i] = new LongAdder();
    }
    for (int i = 0; i < gauges.length; i++) {
      gauges[i] = new AtomicLong();
    }
  }

  public void count(Counter counter) {
    counters[counter.ordinal()].increment();
  }

  public void add(Counter counter, long amount) {
    counters[counter.ordinal()].add(amount);
  }

  public long get(Counter counter) {
    return counters[counter.ordinal()].sum();
  }

  public void set(Gauge gauge, long value) {
    gauges[gauge.ordinal()].set(value);
  }

  public void change(Gauge gauge, long difference) {
    gauges[gauge.ordinal()].addAndGet(difference);
  }

  public long get(Gauge gauge) {
    return gauges[gauge.ordinal()].get();
  }

  /**
   * Begins to count for a device.
   *
   * @param name unlike every other
   */
  public DeviceStats addDevice(String name) {
    synchronized (devices) {
      if (devices.size() == DEVICES_MAX) {
        throw new IllegalStateException("expected at most " + DEVICES_MAX + " devices");
      }
      DeviceStats added = new DeviceStats(name, this);
      devices.add(added);
      return added;
    }
  }

  /** Of each device, in the order of the configuration. */
  public List<DeviceStats> devices() {
    synchronized (devices) {
      return List.copyOf(devices);
    }
  }
}
