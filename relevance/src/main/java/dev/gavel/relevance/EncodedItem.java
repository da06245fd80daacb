package dev.gavel.relevance;

/**
 * One item as tokens.
 *
 * @param suffix the item's own tokens up to the scored position; empty where there is a problem
 * @param truncatedTokens tokens cut to fit the limit
 * @param problem why the item cannot be judged, in one line; null if it can
 */
public record EncodedItem(int[] suffix, int truncatedTokens, String problem) {
  public boolean isOk() {
    return problem == null;
  }

  public static EncodedItem bad(String problem) {
    return new EncodedItem(new int[0], 0, problem);
  }
}
