package dev.gavel.relevance.tokenizer;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The words that {@link FlatWords} has no room for: long ones, those with characters beyond 0xFF or
 * many tokens. Two generations of a bounded size, as there. Thread-safe.
 */
final class RareWords {
  private final int wordsMax;
  private volatile Map<String, int[]> young = new ConcurrentHashMap<>();
  private volatile Map<String, int[]> old = Map.of();

  /**
   * Makes an empty memory.
   *
   * @param wordsMax words of a generation
   */
  RareWords(int wordsMax) {
    this.wordsMax = wordsMax;
  }

  /** A word's tokens, or null. */
  int[] get(String word) {
    int[] tokens = young.get(word);
    if (tokens == null) {
      tokens = old.get(word);
      if (tokens != null) {
        put(word, tokens);
      }
    }
    return tokens;
  }

  void put(String word, int[] tokens) {
    Map<String, int[]> current = young;
    current.put(word, tokens);
    if (current.size() > wordsMax) {
      synchronized (this) {
        if (young == current) {
          old = current;
          young = new ConcurrentHashMap<>();
        }
      }
    }
  }
}
