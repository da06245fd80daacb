package dev.gavel.cli.bench.serve;

import dev.gavel.cli.client.Sidecar;
import dev.gavel.v1.Item;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import java.util.SplittableRandom;

/**
 * How long a text must be to have so many tokens. The server is asked, since its tokenizer may be
 * any: two lengths of text give tokens per character and what the prompt adds.
 *
 * @param queryChars characters of a query
 * @param itemChars characters of an item
 */
record TextLengths(int queryChars, int itemChars) {
  private static final int SAMPLES = 8;
  private static final int QUERY_SHORT = 8;
  private static final int QUERY_LONG = 24;
  private static final int ITEM_SHORT = 32;
  private static final int ITEM_LONG = 160;

  /** Tokens per character where a server does not tell. */
  private static final double USUAL = 0.25;

  static TextLengths of(RequestShape shape, Sidecar sidecar, SplittableRandom random) {
    double perQueryChar =
        slope(
            tokens(sidecar, QUERY_SHORT, ITEM_SHORT, random),
            tokens(sidecar, QUERY_LONG, ITEM_SHORT, random),
            QUERY_LONG - QUERY_SHORT);
    int queryChars = chars(shape.queryTokens(), perQueryChar);
    double small = tokens(sidecar, queryChars, ITEM_SHORT, random).item;
    double large = tokens(sidecar, queryChars, ITEM_LONG, random).item;
    double perItemChar = slope(small, large, ITEM_LONG - ITEM_SHORT);
    double around = small - perItemChar * ITEM_SHORT;
    return new TextLengths(queryChars, chars(shape.itemTokens() - around, perItemChar));
  }

  private static double slope(Tokens small, Tokens large, int chars) {
    return slope(small.prefix + small.item, large.prefix + large.item, chars);
  }

  private static double slope(double small, double large, int chars) {
    return large > small ? (large - small) / chars : USUAL;
  }

  private static int chars(double tokens, double perChar) {
    return (int) Math.max(1, Math.round(tokens / perChar));
  }

  /** Means of one pair, as the server counts. */
  record Tokens(double prefix, double item) {}

  /** Asks what texts of these lengths come to. */
  Tokens check(Sidecar sidecar, SplittableRandom random) {
    return tokens(sidecar, queryChars, itemChars, random);
  }

  private static Tokens tokens(
      Sidecar sidecar, int queryChars, int itemChars, SplittableRandom random) {
    double prefix = 0;
    double items = 0;
    for (int i = 0; i < SAMPLES; i++) {
      ScoreRequest.Builder request =
          ScoreRequest.newBuilder().setQuery(ProductText.of(queryChars, random)).setTokens(true);
      request.addItems(Item.newBuilder().setText(ProductText.of(itemChars, random)));
      ScoreResponse response = sidecar.score(request.build());
      ScoredItem item = response.getItems(0);
      prefix += response.getPrefixTokensCount();
      items += item.getSuffixTokensCount() + item.getTruncatedTokens();
    }
    return new Tokens(prefix / SAMPLES, items / SAMPLES);
  }
}
