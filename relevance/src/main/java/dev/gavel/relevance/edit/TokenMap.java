package dev.gavel.relevance.edit;

import java.util.Arrays;
import java.util.BitSet;

/** Which tokens of a vocabulary are kept; their new ids are dense, in the old order. */
public final class TokenMap {
  private final int[] kept;

  TokenMap(BitSet kept) {
    this.kept = kept.stream().toArray();
  }

  /** Number of tokens kept. */
  public int size() {
    return kept.length;
  }

  /** The old ids, rising; a token's new id is its place here. */
  public int[] oldIds() {
    return kept.clone();
  }

  /** The new id of a token, or -1 if it is not kept. */
  public int newId(int oldId) {
    int place = Arrays.binarySearch(kept, oldId);
    return place < 0 ? -1 : place;
  }

  public boolean keeps(int oldId) {
    return newId(oldId) >= 0;
  }
}
