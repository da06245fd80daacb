package dev.gavel.relevance;

import java.util.List;

/**
 * One query with its items as tokens: the whole prompt of item i is {@code prefix} followed by
 * {@code items.get(i).suffix()}.
 *
 * @param prefix tokens shared by all items, never empty
 */
public record EncodedQuery(int[] prefix, List<EncodedItem> items) {
  /** Rows that scoring all good items computes: the prefix once, each suffix once. */
  public int tokens() {
    int total = prefix.length;
    for (EncodedItem item : items) {
      total += item.suffix().length;
    }
    return total;
  }
}
