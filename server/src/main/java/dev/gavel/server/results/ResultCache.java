package dev.gavel.server.results;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.gavel.relevance.Item;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Judgments by model, query and item; bounded in bytes and in age. What is given up first is what
 * was asked for least. Any thread.
 *
 * <p>Each loaded model is a {@link Generation}: its judgments are never found by another, not even
 * where a call that began before a reload puts its results afterwards.
 */
public final class ResultCache {
  /** Of key, judgment, their arrays and the cache's own links, measured; labels come on top. */
  private static final int ENTRY_BYTES = 208;

  /**
   * How much is kept.
   *
   * @param bytesMax 0: nothing
   */
  public record Bounds(long bytesMax, Duration ageMax) {}

  private final Cache<ResultKey, Judgment> cache; // null: off
  private final ServerStats stats;
  private final AtomicLong generations = new AtomicLong();

  public ResultCache(Bounds bounds, ServerStats stats) {
    this(bounds, stats, Ticker.systemTicker());
  }

  ResultCache(Bounds bounds, ServerStats stats, Ticker ticker) {
    this.stats = stats;
    this.cache = bounds.bytesMax == 0 ? null : build(bounds, ticker);
  }

  private Cache<ResultKey, Judgment> build(Bounds bounds, Ticker ticker) {
    return Caffeine.newBuilder()
        .maximumWeight(bounds.bytesMax)
        .weigher((ResultKey key, Judgment judgment) -> bytes(judgment))
        .expireAfterWrite(bounds.ageMax)
        .ticker(ticker)
        .executor(Runnable::run) // no pool of threads for a moment's work
        .evictionListener((key, judgment, cause) -> stats.count(Counter.RESULT_CACHE_EVICTED_ITEMS))
        .build();
  }

  private static int bytes(Judgment judgment) {
    return ENTRY_BYTES + Float.BYTES * judgment.logProbabilities().length;
  }

  /** For a model that was just loaded; forgets what other models said. */
  public Generation newGeneration() {
    if (cache != null) {
      cache.invalidateAll();
      publish();
    }
    return new Generation(generations.incrementAndGet());
  }

  private void publish() {
    stats.set(Gauge.RESULT_CACHE_ITEMS, cache.estimatedSize());
    stats.set(
        Gauge.RESULT_CACHE_BYTES,
        cache
            .policy()
            .eviction()
            .map(Policy.Eviction::weightedSize)
            .orElse(OptionalLong.empty())
            .orElse(0));
  }

  /** The judgments of one loaded model. */
  public final class Generation {
    private final long number;

    private Generation(long number) {
      this.number = number;
    }

    /** Whether judgments are kept at all. */
    public boolean isOn() {
      return cache != null;
    }

    /**
     * Looks for every item of a query.
     *
     * @param mass whether the mass on the labels is asked for
     */
    public Page page(String query, List<Item> items, boolean mass) {
      ResultKey.Maker maker = new ResultKey.Maker(number, query, mass);
      List<ResultKey> keys = new ArrayList<>(items.size());
      List<Judgment> judgments = new ArrayList<>(items.size());
      int found = 0;
      for (Item item : items) {
        ResultKey key = maker.key(item);
        Judgment judgment = cache.getIfPresent(key);
        found += judgment == null ? 0 : 1;
        keys.add(key);
        judgments.add(judgment);
      }
      stats.add(Counter.RESULT_CACHE_QUERIED_ITEMS, items.size());
      stats.add(Counter.RESULT_CACHE_FOUND_ITEMS, found);
      return new Page(keys, judgments);
    }
  }

  /** The items of one query: what was found, and the places of what was not. */
  public final class Page {
    private final List<ResultKey> keys;
    private final List<Judgment> found; // null where nothing was

    private Page(List<ResultKey> keys, List<Judgment> found) {
      this.keys = keys;
      this.found = found;
    }

    /** The judgment of the {@code item}-th item, or null. */
    public Judgment get(int item) {
      return found.get(item);
    }

    /** Keeps what was computed for the {@code item}-th item. */
    public void put(int item, Judgment judgment) {
      cache.put(keys.get(item), judgment);
    }

    /** No more is put. */
    public void done() {
      publish();
    }
  }
}
