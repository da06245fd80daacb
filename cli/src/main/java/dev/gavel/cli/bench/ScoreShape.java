package dev.gavel.cli.bench;

/**
 * One scoring request.
 *
 * @param prefix P, tokens shared by all items
 * @param items N
 * @param itemTokens L, tokens of each item
 */
public record ScoreShape(int prefix, int items, int itemTokens) {
  public ScoreShape {
    Bounds.atLeast(1, "--prefix", prefix);
    Bounds.atLeast(1, "--items", items);
    Bounds.atLeast(1, "--item-tokens", itemTokens);
  }

  /** T = P + N L, rows that are computed when the prefix is shared. */
  public long tokens() {
    return prefix + (long) items * itemTokens;
  }
}
