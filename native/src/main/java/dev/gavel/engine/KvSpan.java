package dev.gavel.engine;

import java.util.Arrays;

/** Blocks taken for one run of tokens, and how many of them hold KV already. */
public final class KvSpan {
  private final int[] blocks;
  private final int blockTokens;
  private int tokens;

  /** Of blocks that are taken and hold nothing yet. */
  public KvSpan(int[] blocks, int blockTokens) {
    this.blocks = blocks;
    this.blockTokens = blockTokens;
  }

  /** The blocks, to be given back in the end. */
  public int[] blocks() {
    return blocks;
  }

  /** Tokens whose KV is there. */
  public int tokens() {
    return tokens;
  }

  /** The last added sequence of {@code batch} sees all tokens. */
  public void chainInto(Batch batch) {
    chainInto(batch, tokens);
  }

  /** The last added sequence of {@code batch} sees the first {@code count} tokens. */
  public void chainInto(Batch batch, int count) {
    if (count > tokens) {
      throw new IllegalStateException("chain: expected at most " + tokens + ", found " + count);
    }
    for (int seen = 0, i = 0; seen < count; i++) {
      int inBlock = Math.min(blockTokens, count - seen);
      batch.chain(blocks[i], inBlock);
      seen += inBlock;
    }
  }

  /**
   * The last added sequence of {@code batch}, of {@code count} tokens, is kept behind the rest;
   * where {@code count} is 0 there is none.
   */
  public void keepInto(Batch batch, int count) {
    if (count == 0) {
      return;
    }
    int first = tokens / blockTokens;
    int last = (tokens + count - 1) / blockTokens;
    batch.keep(tokens % blockTokens, Arrays.copyOfRange(blocks, first, last + 1));
  }

  /** The batch that keeps {@code count} more tokens succeeded. */
  public void kept(int count) {
    tokens += count;
  }

  /** Forgets the tokens from {@code count} on. */
  public void cut(int count) {
    tokens = Math.min(tokens, count);
  }
}
