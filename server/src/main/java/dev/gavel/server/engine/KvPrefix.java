package dev.gavel.server.engine;

import dev.gavel.engine.Batch;

/**
 * The beginning of a token sequence whose KV is held, and stays held until this is closed. Belongs
 * to the device's thread.
 */
public final class KvPrefix implements AutoCloseable {
  private final BlockCache cache;
  private final Piece piece;
  private final int count; // of the piece's own tokens
  private boolean closed;

  KvPrefix(BlockCache cache, Piece piece, int count) {
    this.cache = cache;
    this.piece = piece;
    this.count = count;
    cache.pin(piece, count);
  }

  Piece piece() {
    return piece;
  }

  int count() {
    return count;
  }

  /** Length of the beginning, in tokens. */
  public int tokens() {
    return piece.start + count;
  }

  /** The last added sequence of {@code batch} sees all of it. */
  public void chainInto(Batch batch) {
    chainInto(batch, tokens());
  }

  /** The last added sequence of {@code batch} sees the first {@code shown} tokens. */
  public void chainInto(Batch batch, int shown) {
    if (shown > tokens() || closed) {
      throw new IllegalStateException(
          "chain: expected at most " + (closed ? 0 : tokens()) + " tokens, found " + shown);
    }
    chain(batch, piece, shown);
  }

  /** Chains what comes before {@code of}, then its own tokens, up to position {@code end}. */
  private static void chain(Batch batch, Piece of, int end) {
    if (of.parent != null) {
      chain(batch, of.parent, Math.min(of.start, end));
    }
    int blockTokens = of.blockTokens();
    for (int seen = 0, own = end - of.start, i = 0; seen < own; i++) {
      int inBlock = Math.min(blockTokens, own - seen);
      batch.chain(of.block(i), inBlock);
      seen += inBlock;
    }
  }

  /** The same beginning for another owner, who closes it. */
  public KvPrefix share() {
    return new KvPrefix(cache, piece, count);
  }

  /** Nobody here needs it any more; idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      cache.unpin(piece, count);
    }
  }
}
