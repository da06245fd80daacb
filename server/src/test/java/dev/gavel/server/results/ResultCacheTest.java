package dev.gavel.server.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ResultCacheTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Judgment JUDGMENT = new Judgment(new float[] {-1, -2, -3, -4}, -0.5f, 0);

  private final ServerStats stats = new ServerStats();
  private final AtomicLong now = new AtomicLong();

  private ResultCache cache(long bytes) {
    return new ResultCache(new ResultCache.Bounds(bytes, HOUR), stats, now::get);
  }

  private static Judgment find(ResultCache.Generation generation, String query, Item item) {
    return generation.page(query, List.of(item), false).get(0);
  }

  private static void put(ResultCache.Generation generation, String query, Item item) {
    ResultCache.Page page = generation.page(query, List.of(item), false);
    page.put(0, JUDGMENT);
    page.done();
  }

  @Test
  void offUnlessItHasRoom() {
    assertFalse(cache(0).newGeneration().isOn());
    assertTrue(cache(1).newGeneration().isOn());
  }

  @Test
  void findsWhatWasPutAndCounts() {
    ResultCache.Generation model = cache(1 << 20).newGeneration();
    Item shoe = Item.ofText("a shoe");
    assertNull(find(model, "shoes", shoe));
    put(model, "shoes", shoe);
    assertSame(JUDGMENT, find(model, "shoes", shoe));
    assertNull(find(model, "boots", shoe));
    assertEquals(4, stats.get(Counter.RESULT_CACHE_QUERIED_ITEMS));
    assertEquals(1, stats.get(Counter.RESULT_CACHE_FOUND_ITEMS));
    assertEquals(1, stats.get(Gauge.RESULT_CACHE_ITEMS));
    assertTrue(stats.get(Gauge.RESULT_CACHE_BYTES) > 0);
  }

  /** Whatever reaches the prompt tells pairs apart, and nothing else does. */
  @Test
  void keysAreWhatReachesThePrompt() {
    List<Item> items =
        List.of(
            new Item("", "a", "", "", List.of()),
            new Item("", "", "a", "", List.of()),
            new Item("", "", "", "a", List.of()),
            new Item("", "", "ab", "", List.of()),
            new Item("", "", "a", "b", List.of()),
            new Item("", "", "a", "", List.of(new Attribute("b", "c"))),
            new Item("", "", "a", "", List.of(new Attribute("bc", ""))),
            new Item("", "", "a", "", List.of(new Attribute("b", ""), new Attribute("c", ""))),
            new Item("", "", "a", "", List.of(new Attribute("c", ""), new Attribute("b", ""))));
    Set<ResultKey> keys = new HashSet<>();
    for (long generation = 1; generation <= 2; generation++) {
      for (String query : List.of("a", "b", "ab")) {
        for (boolean mass : new boolean[] {false, true}) {
          ResultKey.Maker maker = new ResultKey.Maker(generation, query, mass);
          items.forEach(item -> keys.add(maker.key(item)));
        }
      }
    }
    assertEquals(2 * 3 * 2 * items.size(), keys.size());
    ResultKey.Maker maker = new ResultKey.Maker(1, "q", false);
    assertEquals(
        maker.key(new Item("id 1", "a", "", "", List.of())),
        maker.key(new Item("id 2", "a", "", "", List.of())));
  }

  @Test
  void aReloadForgetsAndACallThatBeganBeforeItTeachesNothing() {
    ResultCache cache = cache(1 << 20);
    ResultCache.Generation old = cache.newGeneration();
    Item shoe = Item.ofText("a shoe");
    put(old, "shoes", shoe);
    ResultCache.Generation fresh = cache.newGeneration();
    assertNull(find(fresh, "shoes", shoe));
    assertEquals(0, stats.get(Gauge.RESULT_CACHE_ITEMS));
    put(old, "shoes", shoe);
    assertNull(find(fresh, "shoes", shoe));
    assertNotNull(find(old, "shoes", shoe));
  }

  @Test
  void boundedInAge() {
    ResultCache.Generation model = cache(1 << 20).newGeneration();
    Item shoe = Item.ofText("a shoe");
    put(model, "shoes", shoe);
    now.addAndGet(HOUR.toNanos() - 1);
    assertNotNull(find(model, "shoes", shoe));
    now.addAndGet(1);
    assertNull(find(model, "shoes", shoe));
    put(model, "boots", shoe);
    assertEquals(1, stats.get(Counter.RESULT_CACHE_EVICTED_ITEMS));
  }

  @Test
  void boundedInBytes() {
    long room = 10_000;
    ResultCache.Generation model = cache(room).newGeneration();
    int items = 1009;
    for (int i = 0; i < items; i++) {
      put(model, "shoes", Item.ofText("shoe " + i));
      assertTrue(stats.get(Gauge.RESULT_CACHE_BYTES) <= room);
    }
    long kept = stats.get(Gauge.RESULT_CACHE_ITEMS);
    assertTrue(kept > 0 && kept <= room / 200, "entries kept: " + kept);
    assertEquals(items - kept, stats.get(Counter.RESULT_CACHE_EVICTED_ITEMS));
  }
}
