package dev.gavel.server.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.Batch;
import dev.gavel.engine.KvBlocks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The cache over slots that stand for the engine's memory: what a chain shows is read back from the
 * slots it names.
 */
class BlockCacheTest {
  private static final int BLOCK = 4;
  private static final int GARBAGE = -1;

  private KvBlocks pool;
  private BlockCache cache;
  private int[][] slots;

  private void open(int blocks, boolean retains) {
    pool = new KvBlocks(blocks, BLOCK);
    cache = new BlockCache(pool, retains);
    slots = new int[blocks][BLOCK];
  }

  private static int[] tokens(String text) {
    return text.chars().toArray();
  }

  private KvPrefix find(int... sequence) {
    try (KvPrefix nothing = cache.nothing()) {
      return cache.find(nothing, sequence, 0, sequence.length);
    }
  }

  private int found(String text) {
    try (KvPrefix prefix = find(tokens(text))) {
      assertShown(tokens(text), prefix, prefix.tokens());
      return prefix.tokens();
    }
  }

  /** Writes what an engine would: these tokens from the first slot on, in the blocks kept into. */
  private void write(KvExtension extension, int[] values) {
    Batch batch = new Batch();
    batch.root(new int[] {0});
    extension.keepInto(batch);
    Batch.Sequence sequence = batch.sequence(0);
    assertEquals(0, sequence.keepStart());
    assertEquals((values.length + BLOCK - 1) / BLOCK, sequence.keepBlocks().length);
    for (int block : sequence.keepBlocks()) {
      Arrays.fill(slots[block], GARBAGE);
    }
    for (int i = 0; i < values.length; i++) {
      slots[sequence.keepBlocks()[i / BLOCK]][i % BLOCK] = values[i];
    }
  }

  private void assertShown(int[] sequence, KvPrefix prefix, int count) {
    Batch batch = new Batch();
    batch.root(new int[] {0});
    prefix.chainInto(batch, count);
    Batch.Sequence chained = batch.sequence(0);
    List<Integer> shown = new ArrayList<>();
    for (int i = 0; i < chained.chainBlocks().length; i++) {
      int inBlock = chained.chainCounts()[i];
      assertTrue(inBlock >= 1 && inBlock <= BLOCK, () -> inBlock + " tokens of a block");
      for (int slot = 0; slot < inBlock; slot++) {
        shown.add(slots[chained.chainBlocks()[i]][slot]);
      }
    }
    assertArrayEquals(
        Arrays.copyOf(sequence, count), shown.stream().mapToInt(Integer::intValue).toArray());
  }

  /** Computes what is not held of a sequence; false if there is no room. */
  private boolean compute(int... sequence) {
    try (KvPrefix known = find(sequence);
        KvExtension rest = cache.extend(known, sequence, known.tokens(), sequence.length)) {
      if (rest == null) {
        return false;
      }
      write(rest, Arrays.copyOfRange(sequence, known.tokens(), sequence.length));
      assertShown(sequence, rest.commit(), sequence.length);
      return true;
    }
  }

  private void assertNothingLeaks() {
    assertEquals(pool.total(), cache.available());
    cache.clear();
    assertEquals(0, cache.held());
    assertEquals(pool.total(), pool.available());
  }

  @Test
  void theLongestCommonBeginningIsFoundAtAnyLength() {
    open(32, true);
    assertEquals(0, found("instructions: red shoes"));
    assertTrue(compute(tokens("instructions: red shoes")));
    assertEquals(23, found("instructions: red shoes"));
    assertEquals(18, found("instructions: red hats"));
    assertEquals(14, found("instructions: blue hats"));
    assertEquals(5, found("instr"));
    assertEquals(0, found("x"));
    assertTrue(compute(tokens("instructions: red hats")));
    assertTrue(compute(tokens("instructions: red hat")));
    assertEquals(22, found("instructions: red hats!"));
    assertEquals(23, found("instructions: red shoes!"));
    // 6 blocks for the first, 1 for "hats", none for what was known.
    assertEquals(7, cache.held());
    assertNothingLeaks();
  }

  @Test
  void onlyWhatACallUsesIsNeverGivenUp() {
    open(6, true);
    assertTrue(compute(tokens("aaaabbbb")));
    assertTrue(compute(tokens("ccccdddd")));
    try (KvPrefix used = find(tokens("aaaabbbb"))) {
      int[] taken = cache.take(3);
      assertNotNull(taken);
      assertEquals(4, found("ccccdddd"), "the end of a sequence goes first");
      assertNull(cache.take(2));
      assertEquals(4, found("ccccdddd"), "nothing is given up in vain");
      int[] rest = cache.take(1);
      assertEquals(0, found("ccccdddd"));
      assertShown(tokens("aaaabbbb"), used, 8);
      assertEquals(0, cache.available());
      cache.giveBack(taken);
      cache.giveBack(rest);
    }
    assertEquals(2, cache.counts().evictedBlocks());
    assertEquals(8, found("aaaabbbb"));
    assertNothingLeaks();
  }

  @Test
  void theOldestGoesFirst() {
    open(4, true);
    for (String text : List.of("aaaa", "bbbb", "cccc", "dddd")) {
      assertTrue(compute(tokens(text)));
    }
    assertEquals(4, found("aaaa"));
    assertTrue(compute(tokens("eeee")));
    assertEquals(0, found("bbbb"));
    for (String text : List.of("aaaa", "cccc", "dddd", "eeee")) {
      assertEquals(4, found(text));
    }
    assertNothingLeaks();
  }

  @Test
  void computedTwiceInOneBatchIsHeldOnce() {
    open(32, true);
    List<String> texts = List.of("0123456789", "0123456789", "01234", "0123x", "0123456xyz", "q");
    List<KvExtension> batch = new ArrayList<>();
    for (String text : texts) {
      try (KvPrefix nothing = cache.nothing()) {
        KvExtension extension = cache.extend(nothing, tokens(text), 0, text.length());
        write(extension, tokens(text));
        batch.add(extension);
      }
    }
    for (int i = 0; i < texts.size(); i++) {
      assertShown(tokens(texts.get(i)), batch.get(i).commit(), texts.get(i).length());
    }
    batch.forEach(KvExtension::close);
    for (String text : texts) {
      assertEquals(text.length(), found(text + "~"));
    }
    // "0123456789" takes 3 blocks, "x" 1, "456xyz" 2: its own first block repeats "456"; "q" 1.
    assertEquals(7, cache.held());
    assertTrue(compute(tokens("0123456xyz and more")));
    assertEquals(8, found("0123456x!"));
    assertNothingLeaks();
  }

  @Test
  void extensionsFollowExtensionsOfTheSameBatch() {
    open(16, true);
    try (KvPrefix nothing = cache.nothing();
        KvExtension first = cache.extend(nothing, tokens("prefix"), 0, 6);
        KvExtension second = cache.extend(first, tokens("item"), 0, 4)) {
      assertThrows(IllegalStateException.class, second::commit);
      write(first, tokens("prefix"));
      write(second, tokens("item"));
      first.commit();
      assertShown(tokens("prefixitem"), second.commit(), 10);
    }
    assertEquals(10, found("prefixitems"));
    assertNothingLeaks();
  }

  @Test
  void whatWasNotComputedIsNotFound() {
    open(8, true);
    try (KvPrefix nothing = cache.nothing()) {
      KvExtension failed = cache.extend(nothing, tokens("failed"), 0, 6);
      assertEquals(6, cache.available());
      assertEquals(0, found("failed"));
      failed.close();
      failed.close();
      assertThrows(IllegalStateException.class, failed::commit);
    }
    assertEquals(0, found("failed"));
    assertEquals(0, cache.held());
    assertNothingLeaks();
  }

  @Test
  void withoutRetainingKvIsSharedOnlyWhileInUse() {
    open(8, false);
    try (KvPrefix nothing = cache.nothing();
        KvExtension extension = cache.extend(nothing, tokens("abcdef"), 0, 6)) {
      write(extension, tokens("abcdef"));
      extension.commit();
      assertEquals(6, found("abcdef"));
    }
    assertEquals(0, found("abcdef"));
    assertEquals(0, cache.held());
    assertNothingLeaks();
  }

  @Test
  void anEmptyPoolHoldsNothing() {
    open(0, true);
    assertEquals(0, found("abc"));
    assertEquals(false, compute(tokens("abc")));
    try (KvPrefix nothing = cache.nothing();
        KvExtension none = cache.extend(nothing, tokens(""), 0, 0)) {
      assertEquals(0, none.commit().tokens());
    }
  }

  @Test
  void misuseIsNamed() {
    open(4, true);
    KvPrefix nothing = cache.nothing();
    assertTrue(
        assertThrows(IllegalStateException.class, () -> nothing.chainInto(new Batch(), 1))
            .getMessage()
            .contains("expected at most 0 tokens, found 1"));
    assertThrows(IllegalStateException.class, () -> cache.giveBack(2));
  }

  /** With room for everything, what is found is exactly the longest beginning ever computed. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void everythingComputedIsFound(int alphabet) {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    open(4096, true);
    List<int[]> computed = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      int[] sequence = random.ints(random.nextInt(23), 0, alphabet).toArray();
      int longest = computed.stream().mapToInt(c -> common(c, sequence)).max().orElse(0);
      try (KvPrefix prefix = find(sequence)) {
        assertEquals(longest, prefix.tokens());
        assertShown(sequence, prefix, longest);
      }
      assertTrue(compute(sequence));
      computed.add(sequence);
    }
    assertNothingLeaks();
  }

  private static int common(int[] a, int[] b) {
    int at = Arrays.mismatch(a, b);
    return at < 0 ? a.length : at;
  }

  private record Held(int[] sequence, KvPrefix prefix) {
    void close() {
      prefix.close();
    }
  }

  /**
   * Batches of overlapping sequences, some failing, under pressure; prefixes in use across batches
   * keep showing what they were.
   */
  @ParameterizedTest
  @CsvSource({"7, true", "40, true", "200, true", "40, false"})
  void randomBatchesUnderPressure(int blocks, boolean retains) {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    open(blocks, retains);
    List<Held> held = new ArrayList<>();
    for (int round = 0; round < 2000; round++) {
      randomBatch(random, held);
      for (Held one : held) {
        assertShown(one.sequence, one.prefix, random.nextInt(one.prefix.tokens() + 1));
      }
      while (held.size() > random.nextInt(6)) {
        held.remove(random.nextInt(held.size())).close();
      }
      assertTrue(cache.held() <= blocks);
    }
    held.forEach(Held::close);
    assertNothingLeaks();
  }

  private void randomBatch(Random random, List<Held> held) {
    boolean fails = random.nextInt(4) == 0;
    List<KvPrefix> used = new ArrayList<>();
    List<KvExtension> written = new ArrayList<>();
    List<int[]> sequences = new ArrayList<>();
    List<int[]> rests = new ArrayList<>();
    for (int i = random.nextInt(5); i >= 0; i--) {
      int[] sequence = random.ints(1 + random.nextInt(19), 0, 2).toArray();
      KvPrefix known = find(sequence);
      used.add(known);
      assertShown(sequence, known, known.tokens());
      KvExtension rest = cache.extend(known, sequence, known.tokens(), sequence.length);
      if (rest != null) {
        written.add(rest);
        sequences.add(sequence);
        rests.add(Arrays.copyOfRange(sequence, known.tokens(), sequence.length));
      }
    }
    // All chains are read before and after all is written: nothing in use may be overwritten.
    for (int i = 0; i < written.size(); i++) {
      write(written.get(i), fails ? garbage(rests.get(i).length) : rests.get(i));
    }
    for (int i = 0; i < written.size() && !fails; i++) {
      KvPrefix whole = written.get(i).commit();
      assertShown(sequences.get(i), whole, sequences.get(i).length);
      if (random.nextInt(3) == 0) {
        held.add(new Held(sequences.get(i), whole.share()));
      }
    }
    written.forEach(KvExtension::close);
    used.forEach(KvPrefix::close);
  }

  private static int[] garbage(int count) {
    int[] all = new int[count];
    Arrays.fill(all, GARBAGE);
    return all;
  }
}
