package dev.gavel.cli.bench.serve;

import dev.gavel.cli.bench.Bounds;

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
    Bounds.atLeast(1, "--query-tokens", queryTokens);
    Bounds.atLeast(1, "--items", items);
    Bounds.atLeast(1, "--item-tokens", itemTokens);
    Bounds.atLeast(0, "--hot-queries", hotQueries);
    Bounds.require(
        hotItems == 0 || hotItems >= items,
        "--hot-items",
        "0, or at least the " + items + " of a request",
        hotItems);
  }
}
