package dev.gavel.training.teacher.evidence;

import dev.gavel.training.teacher.evidence.Words.Word;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.lucene.util.automaton.CharacterRunAutomaton;
import org.apache.lucene.util.automaton.LevenshteinAutomata;

/**
 * A word that is looked for, in the forms under which it may be found: its stem, and joined with
 * its neighbours, so that "door bell" and "doorbell" meet.
 */
record Term(Word word, Set<String> keys) {
  /**
   * Shorter words are not searched for with a typing error: too many others are one letter away.
   */
  private static final int TYPO_LENGTH = 6;

  /** The word at a place of its text. */
  static Term of(List<Word> words, int at) {
    Set<String> keys = new LinkedHashSet<>();
    keys.add(words.get(at).stem());
    if (at > 0) {
      addJoined(keys, words.get(at - 1), words.get(at));
    }
    if (at + 1 < words.size()) {
      addJoined(keys, words.get(at), words.get(at + 1));
    }
    return new Term(words.get(at), keys);
  }

  /** All keys under which the words of a text are found. */
  static Set<String> keys(List<Word> words) {
    Set<String> keys = new HashSet<>();
    for (int i = 0; i < words.size(); i++) {
      keys.add(words.get(i).stem());
      if (i > 0) {
        addJoined(keys, words.get(i - 1), words.get(i));
      }
    }
    return keys;
  }

  /** "door bells" as doorbells and doorbell; "spider man" as spiderman. */
  private static void addJoined(Set<String> keys, Word left, Word right) {
    keys.add(Lexicon.canonical(left.text() + right.text()));
    keys.add(Lexicon.canonical(left.text() + right.stem()));
  }

  /** Whether the text with these keys has the word. */
  boolean isIn(Set<String> found) {
    return keys.stream().anyMatch(found::contains);
  }

  /** The same, or has it but for one typing error behind its first letter. */
  boolean isNearlyIn(Set<String> found) {
    if (isIn(found)) {
      return true;
    }
    String stem = word.stem();
    if (stem.length() < TYPO_LENGTH || !stem.chars().allMatch(Character::isLetter)) {
      return false;
    }
    List<String> like = found.stream().filter(key -> isLike(key, stem)).toList();
    if (like.isEmpty()) {
      return false;
    }
    CharacterRunAutomaton near =
        new CharacterRunAutomaton(
            new LevenshteinAutomata(stem.substring(1), true).toAutomaton(1, stem.substring(0, 1)));
    return like.stream().anyMatch(near::run);
  }

  /** Cheap to say, and true of all words that are one error apart. */
  private static boolean isLike(String key, String stem) {
    return Math.abs(key.length() - stem.length()) <= 1 && key.charAt(0) == stem.charAt(0);
  }
}
