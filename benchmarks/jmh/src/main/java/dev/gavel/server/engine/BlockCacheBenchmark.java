package dev.gavel.server.engine;

import dev.gavel.engine.KvBlocks;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The block cache with 10,000 items of 64 tokens behind 32 tokens of instructions. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class BlockCacheBenchmark {
  private static final int ITEMS = 10_000;
  private static final int INSTRUCTIONS = 32;
  private static final int ITEM_TOKENS = 64;
  private static final int BLOCK_TOKENS = 16;
  private static final int VOCABULARY = 49_152;
  private static final int SPARE_BLOCKS = 64;

  private final SplittableRandom random = new SplittableRandom(1);
  private BlockCache cache;
  private KvPrefix instructions;
  private int[][] items;
  private int[] unknown;

  @Setup
  public void fill() {
    int blocks = (ITEMS * ITEM_TOKENS + INSTRUCTIONS) / BLOCK_TOKENS + SPARE_BLOCKS;
    cache = new BlockCache(new KvBlocks(blocks, BLOCK_TOKENS), true);
    int[] tokens = tokens(INSTRUCTIONS);
    KvPrefix nothing = cache.nothing();
    instructions = cache.extend(nothing, tokens, 0, INSTRUCTIONS).commit();
    items = new int[ITEMS][];
    for (int i = 0; i < ITEMS; i++) {
      items[i] = tokens(ITEM_TOKENS);
      try (KvExtension extension = cache.extend(instructions, items[i], 0, ITEM_TOKENS)) {
        extension.commit();
      }
    }
    unknown = tokens(ITEM_TOKENS);
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, VOCABULARY).toArray();
  }

  /** Found, pinned, and let go. */
  @Benchmark
  public int hit() {
    try (KvPrefix found = cache.find(instructions, items[random.nextInt(ITEMS)], 0, ITEM_TOKENS)) {
      return found.tokens();
    }
  }

  @Benchmark
  public int miss() {
    try (KvPrefix found = cache.find(instructions, unknown, 0, ITEM_TOKENS)) {
      return found.tokens();
    }
  }

  /** Room for an item that is not known, at the cost of the blocks used longest ago. */
  @Benchmark
  public int reserve() {
    try (KvExtension extension = cache.extend(instructions, unknown, 0, ITEM_TOKENS)) {
      return extension.tokens();
    }
  }
}
