package dev.gavel.relevance.tokenizer;

import java.util.List;

/**
 * Cuts a text that arrives in pieces before the first stop text: the one that is complete first,
 * and of two complete at the same character the longer. What could still become a stop text is held
 * back. Each character costs amortized constant time per stop text (Knuth, Morris, Pratt 1977).
 */
final class StopMatcher {
  private final List<String> stops;
  private final int[][] failures; // [stops][length]: longest border of each prefix
  private final int[] matched; // [stops]: characters of the stop that end the text
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  StopMatcher(List<String> stops) {
    this.stops = stops.stream().distinct().toList();
    if (this.stops.contains("")) {
      throw new IllegalArgumentException("stop text: expected at least one character, found none");
    }
    this.failures = this.stops.stream().map(StopMatcher::failures).toArray(int[][]::new);
    this.matched = new int[this.stops.size()];
  }

  private static int[] failures(String stop) {
    int[] failures = new int[stop.length()];
    for (int i = 1; i < failures.length; i++) {
      int border = failures[i - 1];
      while (border > 0 && stop.charAt(i) != stop.charAt(border)) {
        border = failures[border - 1];
      }
      failures[i] = stop.charAt(i) == stop.charAt(border) ? border + 1 : 0;
    }
    return failures;
  }

  boolean stopped() {
    return stopped;
  }

  /** Adds text; returns what no stop text can swallow any more. */
  String add(String text) {
    for (int i = 0; i < text.length() && !stopped; i++) {
      held.append(text.charAt(i));
      int complete = advance(text.charAt(i));
      if (complete > 0) {
        stopped = true;
        held.setLength(held.length() - complete);
      }
    }
    int keep = 0;
    for (int length : matched) {
      keep = Math.max(keep, length);
    }
    return take(stopped ? held.length() : held.length() - keep);
  }

  /** Length of the longest stop that is complete at this character, or 0. */
  private int advance(char c) {
    int complete = 0;
    for (int s = 0; s < matched.length; s++) {
      String stop = stops.get(s);
      int length = matched[s];
      while (length > 0 && stop.charAt(length) != c) {
        length = failures[s][length - 1];
      }
      matched[s] = stop.charAt(length) == c ? length + 1 : 0;
      if (matched[s] == stop.length()) {
        complete = Math.max(complete, stop.length());
        matched[s] = failures[s][stop.length() - 1]; // only read if the caller goes on
      }
    }
    return complete;
  }

  /** Ends the text; returns what was held back. */
  String finish() {
    return take(held.length());
  }

  private String take(int count) {
    String out = held.substring(0, count);
    held.delete(0, count);
    return out;
  }
}
