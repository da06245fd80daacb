package dev.gavel.relevance;

/**
 * One item as tokens.
 *
 * @param suffix the item's own tokens up to the scored position; empty where there is a problem
 * @param sharedTokens how many of them, from the first on, other queries share for the same item,
 *     so that what a model computes for them can be used again; fewer than all; 0 where the query
 *     comes first
 * @param truncatedTokens tokens cut to fit the limit
 * @param problem why the item cannot be judged, in one line; null if it can
 */
public record EncodedItem(int[] suffix, int sharedTokens, int truncatedTokens, String problem) {
  public EncodedItem {
    if (sharedTokens < 0 || sharedTokens > 0 && sharedTokens >= suffix.length) {
      throw new IllegalArgumentException(
          "sharedTokens: expected 0, or fewer than "
              + suffix.length
              + " tokens, found "
              + sharedTokens);
    }
  }

  /** An item that shares nothing with other queries. */
  public EncodedItem(int[] suffix, int truncatedTokens, String problem) {
    this(suffix, 0, truncatedTokens, problem);
  }

  public boolean isOk() {
    return problem == null;
  }

  public static EncodedItem bad(String problem) {
    return new EncodedItem(new int[0], 0, problem);
  }
}
