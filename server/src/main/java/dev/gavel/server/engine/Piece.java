package dev.gavel.server.engine;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A run of tokens whose KV lies in blocks of its own, filled from the first slot on. It branches
 * off its parent at any token, so nothing is ever split or copied: who shares {@code n} tokens of a
 * piece chains its blocks up to slot {@code n}.
 *
 * <p>Its first {@code skip} tokens, less than a block, may repeat the parent's last ones before the
 * branch: a piece computed beside its parent in one batch holds them too.
 *
 * <p>Children are found by the branch and the first token that differs. A piece only ever shrinks,
 * and its own token at a branch never equals the child's, so a token sequence has one way through
 * the tree; tokens are compared, never hashes of them.
 */
final class Piece {
  final Piece parent; // null: the root, which holds no tokens
  final int branch; // of the parent's own tokens, how many come before the branch
  final int skip;
  final int start; // position of the first own token in the whole sequence
  final int[] tokens;
  private final int[] blocks;
  private final int blockTokens;
  private int blockCount;
  private Map<Long, Piece> children = Map.of();

  private Piece(Piece parent, int branch, int skip, int[] tokens, int[] blocks, int blockTokens) {
    this.parent = parent;
    this.branch = branch;
    this.skip = skip;
    this.start = parent == null ? 0 : parent.start + branch - skip;
    this.tokens = tokens;
    this.blocks = blocks;
    this.blockTokens = blockTokens;
    this.blockCount = blocks.length;
  }

  static Piece root() {
    return new Piece(null, 0, 0, new int[0], new int[0], 1);
  }

  /** Adds a child, which must differ from every other at the branch. */
  Piece add(int atBranch, int skipped, int[] childTokens, int[] childBlocks, int tokensPerBlock) {
    Piece child = new Piece(this, atBranch, skipped, childTokens, childBlocks, tokensPerBlock);
    if (children.isEmpty()) {
      children = new HashMap<>();
    }
    if (children.put(key(atBranch, childTokens[skipped]), child) != null) {
      throw new IllegalStateException("branch " + atBranch + ": expected no such child, found one");
    }
    return child;
  }

  /** The child that goes on with {@code token}, or null. */
  Piece child(int atBranch, int token) {
    return children.get(key(atBranch, token));
  }

  private static Long key(int branch, int token) {
    return (long) branch << 32 | token & 0xFFFFFFFFL;
  }

  /** Own tokens whose KV is held. */
  int length() {
    return Math.min(tokens.length, blockCount * blockTokens);
  }

  int block(int index) {
    return blocks[index];
  }

  /** Blocks that hold the first {@code count} tokens. */
  int blocksFor(int count) {
    return (count + blockTokens - 1) / blockTokens;
  }

  int blockTokens() {
    return blockTokens;
  }

  /** Own tokens from {@code from} on that equal {@code others[otherFrom, otherTo)}. */
  int matching(int from, int[] others, int otherFrom, int otherTo) {
    int most = Math.min(length() - from, otherTo - otherFrom);
    int at = Arrays.mismatch(tokens, from, from + most, others, otherFrom, otherFrom + most);
    return at < 0 ? most : at;
  }

  /** Gives up the last block, which must be {@code block}; without blocks it leaves its parent. */
  void dropLast(int block) {
    if (blockCount == 0 || blocks[blockCount - 1] != block) {
      throw new IllegalStateException("block " + block + ": expected the last of its piece");
    }
    blockCount--;
    if (blockCount == 0) {
      parent.children.remove(key(branch, tokens[skip]));
    }
  }
}
