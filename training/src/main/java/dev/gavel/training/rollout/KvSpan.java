package dev.gavel.training.rollout;

import dev.gavel.engine.Batch;
import dev.gavel.engine.KvBlocks;
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

  /** Takes room that is known to be there. */
  static KvSpan take(KvBlocks pool, int capacity) {
    return new KvSpan(pool.take(pool.blocksFor(capacity)), pool.blockTokens());
  }

  /** Tokens whose KV is there. */
  int tokens() {
    return tokens;
  }

  /** The last added sequence of {@code batch} sees all tokens. */
  void chainInto(Batch batch) {
    for (int seen = 0, i = 0; seen < tokens; i++) {
      int inBlock = Math.min(blockTokens, tokens - seen);
      batch.chain(blocks[i], inBlock);
      seen += inBlock;
    }
  }

  /**
   * The last added sequence of {@code batch}, of {@code count} tokens, is kept behind the rest;
   * where {@code count} is 0 there is none.
   */
  void keepInto(Batch batch, int count) {
    if (count == 0) {
      return;
    }
    int first = tokens / blockTokens;
    int last = (tokens + count - 1) / blockTokens;
    batch.keep(tokens % blockTokens, Arrays.copyOfRange(blocks, first, last + 1));
  }

  /** The batch that keeps {@code count} more tokens succeeded. */
  void kept(int count) {
    tokens += count;
  }

  /** Forgets the tokens from {@code count} on. */
  void cut(int count) {
    tokens = Math.min(tokens, count);
  }

  void release(KvBlocks pool) {
    pool.release(blocks);
  }
}
