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
    Word word = words.get(at);
    keys.add(word.stem());
    if (at > 0) {
      keys.add(joined(words.get(at - 1), word));
    }
    if (at + 1 < words.size()) {
      keys.add(joined(word, words.get(at + 1)));
    }
    return new Term(word, keys);
  }

  /** All keys under which the words of a text are found. */
  static Set<String> keys(List<Word> words) {
    Set<String> keys = new HashSet<>();
    for (int i = 0; i < words.size(); i++) {
      keys.addAll(of(words, i).keys());
    }
    return keys;
  }

  private static String joined(Word left, Word right) {
    List<Word> one = Words.of(left.text() + right.text());
    return one.size() == 1 ? one.get(0).stem() : left.text() + right.text();
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
    CharacterRunAutomaton near =
        new CharacterRunAutomaton(
            new LevenshteinAutomata(stem.substring(1), true).toAutomaton(1, stem.substring(0, 1)));
    return found.stream().anyMatch(key -> key.length() >= TYPO_LENGTH - 1 && near.run(key));
  }
}
