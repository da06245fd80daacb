package dev.gavel.server.engine;

import dev.gavel.engine.Batch;
import java.util.Arrays;

/**
 * Blocks reserved for the KV of tokens behind a prefix. A batch computes them, then {@link #commit}
 * makes them known; a batch that failed leaves nothing behind, since closing gives the blocks back.
 * Belongs to the device's thread.
 */
public final class KvExtension implements AutoCloseable {
  private final BlockCache cache;
  private final KvExtension behind; // or null
  private final int[] tokens;
  private final int[] blocks;
  private KvPrefix before; // null until behind is committed
  private KvPrefix whole;
  private boolean closed;

  KvExtension(BlockCache cache, KvPrefix before, KvExtension behind, int[] tokens, int[] blocks) {
    this.cache = cache;
    this.before = before;
    this.behind = behind;
    this.tokens = tokens;
    this.blocks = blocks;
  }

  /** Tokens to compute. */
  public int tokens() {
    return tokens.length;
  }

  /** What is known before them; null where it is an extension not yet committed. */
  public KvPrefix before() {
    return before;
  }

  /** The KV of the last added sequence of {@code batch}, which is these tokens, is kept here. */
  public void keepInto(Batch batch) {
    batch.keep(0, Arrays.copyOf(blocks, blocks.length));
  }

  /**
   * The batch has written the blocks: calls to come find the tokens. What another extension has
   * made known meanwhile is not held twice.
   *
   * @return all tokens up to the end of these; it is closed with the extension
   * @throws IllegalStateException if what is before was not committed
   */
  public KvPrefix commit() {
    if (whole == null) {
      if (behind != null && behind.whole == null || closed) {
        throw new IllegalStateException("expected an open extension of what is committed");
      }
      KvPrefix from = behind == null ? before : behind.whole;
      whole = cache.insert(from, tokens, blocks);
      if (before != null) {
        before.close();
      }
    }
    return whole;
  }

  /** Gives back what is not committed, and no longer needs what is; idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (whole != null) {
      whole.close();
      return;
    }
    cache.giveBack(blocks);
    if (before != null) {
      before.close();
    }
  }
}
