package dev.gavel.relevance.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class FlatWordsTest {
  private static final int WORDS = 64;

  /** Tokens that nothing but the word tells. */
  private static int[] tokensOf(String word) {
    return new Random(word.hashCode()).ints(1 + word.length() % FlatWords.TOKENS_MAX).toArray();
  }

  /** What the memory says of a word, or null. */
  private static int[] found(FlatWords words, String word) {
    TokenBuffer out = new TokenBuffer(0);
    String text = "ab" + word + "c";
    boolean known = words.reader().append(text.toCharArray(), 2, 2 + word.length(), out);
    return known ? out.toArray() : null;
  }

  private static boolean remember(FlatWords words, String word, int[] tokens) {
    return words.reader().remember(word.toCharArray(), 0, word.length(), tokens);
  }

  private static String randomWord(Random random, int alphabet) {
    StringBuilder word = new StringBuilder();
    for (int i = random.nextInt(FlatWords.CHARS_MAX + 1); i > 0; i--) {
      word.append((char) random.nextInt(alphabet));
    }
    return word.toString();
  }

  /** Words that differ in a zero character, in one bit or in length only are told apart. */
  @Test
  void aWordIsItsCharactersAndNothingElse() {
    FlatWords words = new FlatWords(WORDS);
    List<String> alike =
        List.of("", "\0", "\0\0\0\0", "a", "a\0", "a\0\0\0\0", "abcd", "abce", "abcd\0", "\u00e9");
    for (String word : alike) {
      assertEquals(null, found(words, word), word);
      assertTrue(remember(words, word, tokensOf(word)));
    }
    for (String word : alike) {
      assertArrayEquals(tokensOf(word), found(words, word), word);
    }
  }

  @Test
  void whatDoesNotFitIsLeftOut() {
    FlatWords words = new FlatWords(WORDS);
    String longest = "x".repeat(FlatWords.CHARS_MAX);
    assertTrue(remember(words, longest, new int[FlatWords.TOKENS_MAX]));
    assertArrayEquals(new int[FlatWords.TOKENS_MAX], found(words, longest));
    assertFalse(remember(words, longest + "x", new int[1]));
    assertEquals(null, found(words, longest + "x"));
    assertFalse(remember(words, "y", new int[FlatWords.TOKENS_MAX + 1]));
    assertFalse(remember(words, "y", new int[0]));
    assertEquals(null, found(words, "y"));
    assertTrue(remember(words, "\u00ff", new int[] {7}));
    assertFalse(remember(words, "\u0100", new int[1]));
    assertFalse(remember(words, "\u01ff", new int[1]));
    assertEquals(null, found(words, "\u01ff"));
  }

  /** Whatever is forgotten, what is said is right; a word in use outlives many that are not. */
  @Test
  void oldWordsGoAndWordsInUseStay() {
    long seed = System.nanoTime();
    System.out.println("FlatWordsTest seed " + seed);
    Random random = new Random(seed);
    FlatWords words = new FlatWords(WORDS);
    assertTrue(remember(words, "kept", tokensOf("kept")));
    int hits = 0;
    for (int i = 0; i < 50 * WORDS; i++) {
      String word = randomWord(random, random.nextBoolean() ? 3 : 0x100);
      int[] known = found(words, word);
      if (known != null) {
        assertArrayEquals(tokensOf(word), known, "seed " + seed);
        hits++;
      }
      remember(words, word, tokensOf(word));
      if (i % (WORDS / 4) == 0) {
        assertArrayEquals(tokensOf("kept"), found(words, "kept"), "seed " + seed);
      }
    }
    assertTrue(hits > 0, "seed " + seed);
    for (int i = 0; i < 8 * WORDS; i++) {
      remember(words, "other " + i, new int[] {i});
    }
    assertEquals(null, found(words, "kept"), "seed " + seed);
  }

  /** Readers beside writers see whole entries only. */
  @Test
  void readersSeeWholeEntries() throws Exception {
    long seed = System.nanoTime();
    System.out.println("FlatWordsTest seed " + seed);
    FlatWords words = new FlatWords(WORDS);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<?>> all = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      Random random = new Random(seed + thread);
      all.add(
          threads.submit(
              () -> {
                for (int i = 0; i < 100_000; i++) {
                  String word = "word" + random.nextInt(3 * WORDS);
                  int[] known = found(words, word);
                  if (known == null) {
                    remember(words, word, tokensOf(word));
                  } else {
                    assertArrayEquals(tokensOf(word), known, "seed " + seed);
                  }
                }
              }));
    }
    for (Future<?> one : all) {
      one.get();
    }
    threads.shutdown();
  }
}
