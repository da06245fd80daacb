package dev.gavel.cli.bench.serve;

/**
 * What the requests are like. Tokens are what the served model makes of the text, about.
 *
 * @param queryTokens tokens of each query
 * @param items items of each request
 * @param itemTokens tokens of each item, those of the prompt behind it included
 * @param hotQueries queries are drawn from so many; 0: each is new
 * @param hotItems items are drawn from so many; 0: each is new
 */
record RequestShape(int queryTokens, int items, int itemTokens, int hotQueries, int hotItems) {
  RequestShape {
    require(queryTokens >= 1, "--query-tokens", "at least 1", queryTokens);
    require(items >= 1, "--items", "at least 1", items);
    require(itemTokens >= 1, "--item-tokens", "at least 1", itemTokens);
    require(hotQueries >= 0, "--hot-queries", "at least 0", hotQueries);
    require(
        hotItems == 0 || hotItems >= items,
        "--hot-items",
        "0, or at least the " + items + " of a request",
        hotItems);
  }

  private static void require(boolean holds, String name, String expected, int found) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": expected " + expected + ", found " + found);
    }
  }
}
