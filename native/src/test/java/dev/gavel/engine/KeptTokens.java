package dev.gavel.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Tokens kept in KV blocks, growing at the end: a stream being decoded, or a prefix. May start on
 * top of a chain that others own.
 */
final class KeptTokens {
  private record Piece(int block, int count) {}

  private final KvBlocks pool;
  private final List<Piece> below;
  private final List<Integer> blocks = new ArrayList<>();
  private int count;

  KeptTokens(KvBlocks pool) {
    this(pool, null);
  }

  /** Continues {@code base} as it is now, without touching its last block. */
  KeptTokens(KvBlocks pool, KeptTokens base) {
    this.pool = pool;
    this.below = base == null ? List.of() : base.pieces();
  }

  private List<Piece> pieces() {
    List<Piece> pieces = new ArrayList<>(below);
    int left = count;
    for (int block : blocks) {
      if (left > 0) {
        int valid = Math.min(left, pool.blockTokens());
        pieces.add(new Piece(block, valid));
        left -= valid;
      }
    }
    return pieces;
  }

  /** Gives the batch's last sequence this chain. */
  KeptTokens chain(Batch batch) {
    pieces().forEach(piece -> batch.chain(piece.block(), piece.count()));
    return this;
  }

  /** Has the batch's last sequence, {@code tokens} long, keep its KV here. */
  KeptTokens keep(Batch batch, int tokens) {
    int start = count % pool.blockTokens();
    int first = start == 0 ? blocks.size() : blocks.size() - 1;
    int missing = pool.blocksFor(count + tokens) - blocks.size();
    Arrays.stream(pool.take(missing)).forEach(blocks::add);
    batch.keep(start, blocks.subList(first, blocks.size()).stream().mapToInt(b -> b).toArray());
    count += tokens;
    return this;
  }

  /** Adds a root sequence of {@code tokens} that continues this and is kept in it. */
  int append(Batch batch, int[] tokens) {
    int index = batch.root(tokens);
    chain(batch).keep(batch, tokens.length);
    return index;
  }

  void release() {
    blocks.forEach(pool::release);
    blocks.clear();
    count = 0;
  }
}
