package dev.gavel.relevance.tokenizer;

/**
 * Short words and their tokens in one flat table, an entry the size of a cache line. A server's
 * tables have left the processor's caches by the next call, so that a lookup costs what it touches:
 * here one line, and no garbage.
 *
 * <p>Two generations of a bounded size: words in use move to the young one, and when that is full
 * the old one goes. Thread-safe; readers take no lock.
 */
final class FlatWords {
  /** Words of at most so many characters, all below 0x100, ... */
  static final int CHARS_MAX = 28;

  /** ... with at least one and at most so many tokens fit. */
  static final int TOKENS_MAX = 8;

  private static final int PROBES = 8;

  /**
   * One generation: entries of 16 ints, the header (number of the entry, of its tokens and of its
   * characters; 0: free), 7 of characters, 8 of tokens. An entry is written once, under the lock. A
   * reader believes entries up to the number that was {@link #published} when it began: those are
   * complete.
   */
  private static final class Table {
    static final int INTS = 16;
    static final int TOKENS_AT = 8;

    final int[] entries;
    final int wordsMax;
    volatile int published; // words

    Table(int wordsMax) {
      this.wordsMax = wordsMax;
      this.entries = new int[2 * wordsMax * INTS];
    }

    /** Where the word's entry begins, or -1. */
    int find(Key key, int known) {
      int slot = key.hash;
      for (int probe = 0; probe < PROBES; probe++) {
        int at = (slot & (2 * wordsMax - 1)) * INTS;
        int header = entries[at];
        if (header == 0) {
          return -1;
        }
        if ((header & 0xFF) == key.length && header >>> 16 <= known && key.isAt(entries, at + 1)) {
          return at;
        }
        slot++;
      }
      return -1;
    }

    /** Under the lock. False if the place is taken by others, and the word is left out. */
    boolean put(Key key, int[] from, int at, int count) {
      int slot = key.hash;
      for (int probe = 0; probe < PROBES; probe++) {
        int to = (slot & (2 * wordsMax - 1)) * INTS;
        if (entries[to] == 0) {
          System.arraycopy(key.packed, 0, entries, to + 1, key.ints());
          System.arraycopy(from, at, entries, to + TOKENS_AT, count);
          entries[to] = published + 1 << 16 | count << 8 | key.length;
          published++;
          return true;
        }
        slot++;
      }
      return false;
    }
  }

  /** A word, four characters an int. */
  private static final class Key {
    final int[] packed = new int[CHARS_MAX / 4];
    int length;
    int hash;

    /** False if the word does not fit. */
    boolean set(char[] text, int from, int to) {
      length = to - from;
      if (length > CHARS_MAX) {
        return false;
      }
      int h = length;
      int all = 0; // every bit that any character has
      for (int i = 0, at = from; at < to; i++) {
        int four = 0;
        for (int shift = 0; shift < 32 && at < to; shift += 8) {
          char c = text[at++];
          all |= c;
          four |= c << shift;
        }
        packed[i] = four;
        h = (h ^ four) * 0x9E3779B1;
        h ^= h >>> 15;
      }
      hash = h;
      return all <= 0xFF;
    }

    int ints() {
      return (length + 3) / 4;
    }

    boolean isAt(int[] entries, int at) {
      for (int i = 0; i < ints(); i++) {
        if (entries[at + i] != packed[i]) {
          return false;
        }
      }
      return true;
    }
  }

  private final int wordsMax;
  private volatile Table young;
  private volatile Table old;

  /**
   * Makes an empty memory.
   *
   * @param wordsMax words of a generation; a power of two, at most 32,768
   */
  FlatWords(int wordsMax) {
    this.wordsMax = wordsMax;
    this.young = new Table(wordsMax);
    this.old = new Table(1);
  }

  /** A view of the words that are known now, and of those that it adds. */
  Reader reader() {
    return new Reader();
  }

  private synchronized boolean put(Key key, int[] from, int at, int count) {
    if (young.find(key, wordsMax) >= 0) {
      return true;
    }
    if (young.published == wordsMax) {
      old = young;
      young = new Table(wordsMax);
    }
    return young.put(key, from, at, count);
  }

  /** Belongs to one thread, and to the text that it reads. */
  final class Reader {
    private final Key key = new Key();
    private Table now;
    private int nowKnown;
    private Table before;
    private int beforeKnown;

    private Reader() {
      look();
    }

    private void look() {
      now = young;
      nowKnown = now.published;
      before = old;
      beforeKnown = before.published;
    }

    /** Appends a word's tokens; false if it is not known. */
    boolean append(char[] text, int from, int to, TokenBuffer out) {
      if (!key.set(text, from, to)) {
        return false;
      }
      Table table = now;
      int at = now.find(key, nowKnown);
      if (at < 0) {
        table = before;
        at = before.find(key, beforeKnown);
        if (at < 0) {
          return false;
        }
        put(key, table.entries, at + Table.TOKENS_AT, tokens(table, at));
      }
      out.add(table.entries, at + Table.TOKENS_AT, tokens(table, at));
      return true;
    }

    private static int tokens(Table table, int at) {
      return table.entries[at] >>> 8 & 0xFF;
    }

    /** Remembers a word; false if it does not fit. */
    boolean remember(char[] text, int from, int to, int[] tokens) {
      boolean fits =
          tokens.length > 0
              && tokens.length <= TOKENS_MAX
              && key.set(text, from, to)
              && put(key, tokens, 0, tokens.length);
      look();
      return fits;
    }
  }
}
