package dev.gavel.server.engine;

import dev.gavel.engine.KvBlocks;
import dev.gavel.engine.KvSpan;
import java.util.Arrays;

/**
 * The pool's blocks: reserved by calls, holding KV that calls in progress use, or holding KV of
 * token sequences that later calls may begin with. A reservation goes before KV that nobody uses:
 * of that, the block used longest ago is given up first.
 *
 * <p>What is held forms a tree of {@link Piece}s, found by the tokens themselves. Whoever uses a
 * {@link KvPrefix} pins its blocks; blocks without a pin are in the order of their last use, and a
 * path is put there from its end to its beginning. So the oldest block never has another behind it:
 * giving it up shortens a sequence at its end.
 *
 * <p>Belongs to the device's thread.
 */
public final class BlockCache {
  private final KvBlocks pool;
  private final boolean retains;
  private final Piece root = Piece.root();
  private final BlockLru idle;
  private final Piece[] owners; // by block; null where free or reserved
  private final int[] pins; // by block
  private int held;
  private long queried;
  private long found;
  private long evicted;

  /**
   * @param retains whether KV stays held when no call uses it; otherwise calls share it only while
   *     they use it
   */
  public BlockCache(KvBlocks pool, boolean retains) {
    this.pool = pool;
    this.retains = retains;
    this.idle = new BlockLru(pool.total());
    this.owners = new Piece[pool.total()];
    this.pins = new int[pool.total()];
  }

  /**
   * What has happened so far.
   *
   * @param queriedTokens tokens that calls have looked for
   * @param foundTokens those of them whose KV was held
   * @param evictedBlocks blocks given up to make room
   */
  public record Counts(long queriedTokens, long foundTokens, long evictedBlocks) {}

  public Counts counts() {
    return new Counts(queried, found, evicted);
  }

  /** Notes a query, once per call and token whatever the number of look-ups. */
  public void record(int queriedTokens, int foundTokens) {
    if (retains) {
      queried += queriedTokens;
      found += foundTokens;
    }
  }

  /** Whether KV stays held when no call uses it. */
  public boolean retains() {
    return retains;
  }

  public int blockTokens() {
    return pool.blockTokens();
  }

  /** Blocks of the pool. */
  public int total() {
    return pool.total();
  }

  /** Blocks that can be reserved: those that hold nothing, and those whose KV nobody uses. */
  public int available() {
    return pool.available() + idle.size();
  }

  /** Blocks that hold KV that later calls can find. */
  public int held() {
    return held;
  }

  /** The beginning without tokens. */
  public KvPrefix nothing() {
    return new KvPrefix(this, root, 0);
  }

  /**
   * Follows {@code tokens[from, to)} behind {@code known} as far as KV is held.
   *
   * @return {@code known} and what was found; the caller closes it
   */
  public KvPrefix find(KvPrefix known, int[] tokens, int from, int to) {
    Piece piece = known.piece();
    int count = known.count();
    int at = from;
    while (true) {
      int matching = piece.matching(count, tokens, at, to);
      count += matching;
      at += matching;
      Piece child = at < to ? piece.child(count, tokens[at]) : null;
      if (child == null) {
        return new KvPrefix(this, piece, count);
      }
      piece = child;
      count = child.skip;
    }
  }

  /**
   * Reserves room for {@code tokens[from, to)} behind {@code known}.
   *
   * @return null, with nothing changed, if there is no room; the caller closes it
   */
  public KvExtension extend(KvPrefix known, int[] tokens, int from, int to) {
    int[] blocks = take(pool.blocksFor(to - from));
    return blocks == null
        ? null
        : new KvExtension(this, known.share(), null, Arrays.copyOfRange(tokens, from, to), blocks);
  }

  /** The same behind an extension that the same batch computes; it must be committed first. */
  public KvExtension extend(KvExtension behind, int[] tokens, int from, int to) {
    int[] blocks = take(pool.blocksFor(to - from));
    return blocks == null
        ? null
        : new KvExtension(this, null, behind, Arrays.copyOfRange(tokens, from, to), blocks);
  }

  /** Reserves {@code count} blocks; null, with nothing given up, if so many cannot be had. */
  public int[] take(int count) {
    if (count > available()) {
      return null;
    }
    while (pool.available() < count) {
      evicted++;
      dropOldest();
    }
    return pool.take(count);
  }

  /** Reserves room for {@code tokens} tokens; null, with nothing given up, if there is none. */
  public KvSpan span(int tokens) {
    int[] blocks = take(pool.blocksFor(tokens));
    return blocks == null ? null : new KvSpan(blocks, blockTokens());
  }

  /** Gives reserved blocks back. */
  public void giveBack(int... blocks) {
    pool.release(blocks);
  }

  /** Forgets everything that nobody uses. */
  public void clear() {
    while (idle.size() > 0) {
      dropOldest();
    }
  }

  /**
   * Takes over blocks that hold the KV of {@code tokens} behind {@code before}. Of what is known
   * already the whole blocks are given back.
   */
  KvPrefix insert(KvPrefix before, int[] tokens, int[] blocks) {
    KvPrefix known = find(before, tokens, 0, tokens.length);
    int repeated = known.tokens() - before.tokens();
    if (repeated == tokens.length) {
      giveBack(blocks);
      return known;
    }
    int skip = repeated % blockTokens();
    int spare = repeated / blockTokens();
    giveBack(Arrays.copyOf(blocks, spare));
    int[] own = Arrays.copyOfRange(blocks, spare, blocks.length);
    int[] ownTokens = Arrays.copyOfRange(tokens, repeated - skip, tokens.length);
    Piece piece = known.piece().add(known.count(), skip, ownTokens, own, blockTokens());
    for (int block : own) {
      owners[block] = piece;
    }
    held += own.length;
    KvPrefix whole = new KvPrefix(this, piece, ownTokens.length);
    known.close();
    return whole;
  }

  void pin(Piece piece, int count) {
    for (Piece p = piece; p != root; count = p.branch, p = p.parent) {
      for (int i = p.blocksFor(count) - 1; i >= 0; i--) {
        int block = p.block(i);
        // A piece that was just added is not idle: its blocks were reserved.
        if (pins[block]++ == 0 && idle.contains(block)) {
          idle.remove(block);
        }
      }
    }
  }

  void unpin(Piece piece, int count) {
    for (Piece p = piece; p != root; count = p.branch, p = p.parent) {
      for (int i = p.blocksFor(count) - 1; i >= 0; i--) {
        if (--pins[p.block(i)] == 0) {
          idle.add(p.block(i));
        }
      }
    }
    if (!retains) {
      clear();
    }
  }

  private void dropOldest() {
    int block = idle.oldest();
    owners[block].dropLast(block);
    idle.remove(block);
    owners[block] = null;
    held--;
    pool.release(block);
  }
}
