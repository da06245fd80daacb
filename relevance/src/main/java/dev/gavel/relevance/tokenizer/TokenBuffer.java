package dev.gavel.relevance.tokenizer;

import java.util.Arrays;

/** Tokens that are put together one after the other. Belongs to one thread. */
final class TokenBuffer {
  private int[] ids;
  private int size;

  TokenBuffer(int expected) {
    ids = new int[expected];
  }

  void add(int[] tokens) {
    add(tokens, 0, tokens.length);
  }

  void add(int[] from, int at, int count) {
    if (size + count > ids.length) {
      ids = Arrays.copyOf(ids, Math.max(size + count, ids.length * 2));
    }
    for (int i = 0; i < count; i++) { // a few: a call to copy them takes longer
      ids[size + i] = from[at + i];
    }
    size += count;
  }

  int[] toArray() {
    return Arrays.copyOf(ids, size);
  }
}
