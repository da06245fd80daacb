package dev.gavel.training.teacher.evidence;

import dev.gavel.training.teacher.evidence.Words.Word;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A part of a title between punctuation marks and words such as "for" and "with".
 *
 * @param opener the word that began it
 */
record Segment(Opener opener, List<Word> words) {
  private static final Pattern BOUNDARY = Pattern.compile("[,;:()\\[\\]|!\u2022]|\\s[-\u2013/]\\s");
  private static final int PHRASE_WORDS = 4;

  /** How a segment belongs to the one before. */
  enum Opener {
    NONE,
    FOR,
    WITH,
    OF;

    /** What a word of a text opens; parts of "drop-in" and "cut-to-size" open nothing. */
    static Opener of(Word word, String text) {
      if (isHyphenated(word, text)) {
        return NONE;
      }
      if (Lexicon.FOR.contains(word.text())) {
        return FOR;
      }
      if (Lexicon.WITH.contains(word.text())) {
        return WITH;
      }
      return Lexicon.OF.contains(word.text()) ? OF : NONE;
    }
  }

  private static boolean isHyphenated(Word word, String text) {
    return (word.start() > 0 && text.charAt(word.start() - 1) == '-')
        || (word.end() < text.length() && text.charAt(word.end()) == '-');
  }

  /** The segments of a title that have words. */
  static List<Segment> of(String title, List<Word> words) {
    List<Segment> out = new ArrayList<>();
    List<Word> open = new ArrayList<>();
    Opener opener = Opener.NONE;
    int end = 0;
    for (Word word : words) {
      Opener next = Opener.of(word, title);
      boolean cut = BOUNDARY.matcher(title.substring(end, word.start())).find();
      if ((cut || next != Opener.NONE) && !open.isEmpty()) {
        out.add(new Segment(opener, List.copyOf(open)));
        open.clear();
        opener = next;
      } else if (next != Opener.NONE && opener != Opener.FOR) { // "compatible with" is for
        opener = next;
      }
      if (next == Opener.NONE && (!word.isEmpty() || isHyphenated(word, title))) {
        open.add(word);
      }
      end = word.end();
    }
    if (!open.isEmpty()) {
      out.add(new Segment(opener, List.copyOf(open)));
    }
    return out;
  }

  /** Its last word that may be a noun. */
  Optional<Word> head() {
    return words.stream().filter(Word::isNoun).reduce((first, second) -> second);
  }

  /** Up to four words that end with the head, or with the last word where there is none. */
  String phrase() {
    int end = head().map(words::indexOf).orElse(words.size() - 1) + 1;
    return words.subList(Math.max(0, end - PHRASE_WORDS), end).stream()
        .map(Word::text)
        .collect(Collectors.joining(" "));
  }

  boolean has(Term term) {
    return term.isNearlyIn(Term.keys(words));
  }
}
