package dev.gavel.training.teacher.evidence;

import dev.gavel.training.teacher.evidence.Words.Word;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a query asks for.
 *
 * @param head the thing: the last word that may be a noun, before any "for", "with" or "in"
 * @param wishes the other words with a meaning, each once
 * @param unwanted what stands behind "not" or "without": an item that lacks it will do
 * @param absent what stands behind "no" or "non-": the item should say so
 * @param measures numbers with units
 */
record QueryReading(
    Optional<Term> head,
    List<Term> wishes,
    List<Term> unwanted,
    List<Term> absent,
    List<Measure> measures) {

  static QueryReading of(String query) {
    Measure.Found found = Measure.find(query);
    List<Word> words = Words.of(found.rest());
    List<Term> asked = new ArrayList<>();
    List<Term> unwanted = new ArrayList<>();
    List<Term> absent = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    int nouns = 0; // of asked, up to the last noun before a connector
    boolean connected = false;
    for (int i = 0; i < words.size(); i++) {
      Word word = words.get(i);
      boolean more = i + 1 < words.size() && !words.get(i + 1).isEmpty();
      if (Lexicon.NOT.contains(word.text()) && more) {
        unwanted.add(Term.of(words, ++i));
      } else if (Lexicon.NO.contains(word.text()) && more) {
        absent.add(Term.of(words, ++i));
      } else if (!word.isEmpty() && seen.add(word.stem())) {
        asked.add(Term.of(words, i));
        nouns = word.isNoun() && !connected ? asked.size() : nouns;
      }
      connected |= nouns > 0 && Segment.Opener.of(word, found.rest()) != Segment.Opener.NONE;
    }
    Optional<Term> head =
        asked.isEmpty()
            ? Optional.empty()
            : Optional.of(asked.remove((nouns > 0 ? nouns : asked.size()) - 1));
    return new QueryReading(head, asked, unwanted, absent, found.measures());
  }

  /** Whether it asks for nothing that can be read. */
  boolean isEmpty() {
    return head.isEmpty() && measures.isEmpty() && unwanted.isEmpty() && absent.isEmpty();
  }

  /** Whether it asks for something made for another thing, such as a charger. */
  boolean asksAccessory() {
    return head.filter(QueryReading::isAccessory).isPresent()
        || wishes.stream().anyMatch(QueryReading::isAccessory);
  }

  private static boolean isAccessory(Term term) {
    return Lexicon.ACCESSORIES.contains(term.word().stem());
  }
}
