package dev.gavel.server.scheduling;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which beginnings of prompts a device was given lately: as many tokens as its KV pool has room
 * for, so about what its block cache holds. A guess, from hashes of the tokens: where it is wrong,
 * work goes to a device that has to compute a little more. One thread at a time.
 */
final class PrefixMemory {
  /** Where hashing begins. */
  static final long START = 0x9E3779B97F4A7C15L;

  private final long tokensMax;
  private final Map<Long, Integer> held = new LinkedHashMap<>(16, 0.75f, true); // by last use
  private long tokens;

  /**
   * @param tokensMax tokens of the device's KV pool; 0: nothing is held
   */
  PrefixMemory(long tokensMax) {
    this.tokensMax = tokensMax;
  }

  /** The hash of a beginning, given that of what is before {@code tokens[from, to)}. */
  static long hash(long before, int[] tokens, int to) {
    long h = before;
    for (int i = 0; i < to; i++) {
      // A step of MurmurHash3's finalizer per token.
      h = (h ^ tokens[i]) * 0xFF51AFD7ED558CCDL;
      h ^= h >>> 33;
    }
    return h;
  }

  boolean holds(long beginning) {
    return held.containsKey(beginning);
  }

  /**
   * The device gets a call that begins so, and computes what it does not hold.
   *
   * @param own tokens that this beginning has beyond the one it continues
   */
  void use(long beginning, int own) {
    if (own == 0 || own > tokensMax || held.get(beginning) != null) {
      return;
    }
    held.put(beginning, own);
    tokens += own;
    Iterator<Integer> oldest = held.values().iterator();
    while (tokens > tokensMax) {
      tokens -= oldest.next();
      oldest.remove();
    }
  }

  /** The device has lost what it held. */
  void clear() {
    held.clear();
    tokens = 0;
  }
}
