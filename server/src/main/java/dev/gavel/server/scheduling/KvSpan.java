package dev.gavel.server.scheduling;

import dev.gavel.engine.Batch;
import dev.gavel.server.engine.BlockCache;
import java.util.Arrays;

/** Blocks taken for one run of tokens, and how many of them hold KV already. */
final class KvSpan {
  private final int[] blocks;
  private final int blockTokens;
  private int tokens;

  private KvSpan(int[] blocks, int blockTokens) {
    this.blocks = blocks;
    this.blockTokens = blockTokens;
  }

  /** Takes room for {@code capacity} tokens, or null if there is not so much. */
  static KvSpan take(BlockCache pool, int capacity) {
    int blockTokens = pool.blockTokens();
    int[] blocks = pool.take((capacity + blockTokens - 1) / blockTokens);
    return blocks == null ? null : new KvSpan(blocks, blockTokens);
  }

  /** Tokens whose KV is there. */
  int tokens() {
    return tokens;
  }

  /** The last added sequence of {@code batch} sees the first {@code count} tokens. */
  void chainInto(Batch batch, int count) {
    if (count > tokens) {
      throw new IllegalStateException("chain: expected at most " + tokens + ", found " + count);
    }
    for (int seen = 0, i = 0; seen < count; i++) {
      int inBlock = Math.min(blockTokens, count - seen);
      batch.chain(blocks[i], inBlock);
      seen += inBlock;
    }
  }

  /** The last added sequence of {@code batch}, of {@code count} tokens, is kept behind the rest. */
  void keepInto(Batch batch, int count) {
    int first = tokens / blockTokens;
    int last = (tokens + count - 1) / blockTokens;
    batch.keep(tokens % blockTokens, Arrays.copyOfRange(blocks, first, last + 1));
  }

  /** The batch that keeps {@code count} more tokens succeeded. */
  void kept(int count) {
    tokens += count;
  }

  void release(BlockCache pool) {
    pool.giveBack(blocks);
  }
}
