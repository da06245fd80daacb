package dev.gavel.engine;

/**
 * Which KV blocks of an engine's pool are free. Not thread-safe: it belongs to the engine's thread.
 */
public final class KvBlocks {
  private final int blockTokens;
  private final int[] free;
  private final boolean[] taken;
  private int freeCount;

  public KvBlocks(int blocks, int blockTokens) {
    this.blockTokens = blockTokens;
    this.free = new int[blocks];
    this.taken = new boolean[blocks];
    this.freeCount = blocks;
    for (int i = 0; i < blocks; i++) {
      free[i] = blocks - 1 - i;
    }
  }

  /** Tokens per block. */
  public int blockTokens() {
    return blockTokens;
  }

  /** Blocks that {@code tokens} tokens need. */
  public int blocksFor(int tokens) {
    return (tokens + blockTokens - 1) / blockTokens;
  }

  public int total() {
    return taken.length;
  }

  public int available() {
    return freeCount;
  }

  /** Takes {@code count} blocks, or returns null and takes none if there are not so many. */
  public int[] take(int count) {
    if (count > freeCount) {
      return null;
    }
    int[] blocks = new int[count];
    for (int i = 0; i < count; i++) {
      blocks[i] = free[--freeCount];
      taken[blocks[i]] = true;
    }
    return blocks;
  }

  /** Takes room for {@code tokens} tokens that is known to be there. */
  public KvSpan span(int tokens) {
    return new KvSpan(take(blocksFor(tokens)), blockTokens);
  }

  /**
   * Gives blocks back.
   *
   * @throws IllegalStateException if one of them is not taken
   */
  public void release(int... blocks) {
    for (int block : blocks) {
      if (!taken[block]) {
        throw new IllegalStateException("block " + block + ": expected taken, found free");
      }
      taken[block] = false;
      free[freeCount++] = block;
    }
  }
}
