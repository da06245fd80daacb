package dev.gavel.server.engine;

import java.util.Arrays;

/** Blocks in the order of their last use, as a linked list in two arrays; every step is O(1). */
final class BlockLru {
  private static final int NONE = -1;

  private final int end; // both ends of the ring
  private final int[] next;
  private final int[] previous;
  private int size;

  BlockLru(int blocks) {
    end = blocks;
    next = new int[blocks + 1];
    previous = new int[blocks + 1];
    Arrays.fill(next, NONE);
    next[end] = end;
    previous[end] = end;
  }

  boolean contains(int block) {
    return next[block] != NONE;
  }

  int size() {
    return size;
  }

  /** The block used longest ago; there must be one. */
  int oldest() {
    return next[end];
  }

  /** Adds a block as the one used last. */
  void add(int block) {
    if (next[block] != NONE) {
      throw new IllegalStateException("block " + block + ": expected in use, found idle");
    }
    int last = previous[end];
    next[last] = block;
    previous[block] = last;
    next[block] = end;
    previous[end] = block;
    size++;
  }

  void remove(int block) {
    if (next[block] == NONE) {
      throw new IllegalStateException("block " + block + ": expected idle, found in use");
    }
    next[previous[block]] = next[block];
    previous[next[block]] = previous[block];
    next[block] = NONE;
    size--;
  }
}
