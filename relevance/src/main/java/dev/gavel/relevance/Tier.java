package dev.gavel.relevance;

/** Where a page may show an item, best first. */
public enum Tier {
  GOOD,
  MID,
  BAD
}
