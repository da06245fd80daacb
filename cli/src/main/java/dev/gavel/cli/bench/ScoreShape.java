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
    atLeastOne("--prefix", prefix);
    atLeastOne("--items", items);
    atLeastOne("--item-tokens", itemTokens);
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": expected at least 1, found " + value);
    }
  }

  /** T = P + N L, rows that are computed when the prefix is shared. */
  public long tokens() {
    return prefix + (long) items * itemTokens;
  }
}
