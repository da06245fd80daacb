package dev.gavel.training.teacher.evidence;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.en.EnglishMinimalStemFilter;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.OffsetAttribute;

/**
 * Cuts text into words (Unicode's rules) and finds their stems (Krovetz, then plurals).
 * Thread-safe.
 */
final class Words {
  /**
   * A word of a text.
   *
   * @param text in lower case, without possessive s
   * @param stem of the word, or the word that stands for all of its meaning, see {@link Lexicon}
   * @param start offset of its first character in the text
   * @param end offset behind its last
   */
  record Word(String text, String stem, int start, int end) {
    boolean isEmpty() {
      return Lexicon.EMPTY.contains(text);
    }

    boolean isColour() {
      return Lexicon.COLOURS.contains(stem);
    }

    boolean isAudience() {
      return Lexicon.AUDIENCES.contains(stem);
    }

    boolean isNumber() {
      return Character.isDigit(text.charAt(0)) && text.chars().noneMatch(Character::isLetter);
    }

    /** Whether it may name a thing. */
    boolean isNoun() {
      return !isEmpty()
          && !isColour()
          && !isAudience()
          && !isNumber()
          && text.length() > 1
          && !Lexicon.SELLING.contains(stem);
    }
  }

  private static final Analyzer ANALYZER =
      new Analyzer() {
        @Override
        protected TokenStreamComponents createComponents(String field) {
          Tokenizer source = new StandardTokenizer();
          TokenStream plain = new LowerCaseFilter(new EnglishPossessiveFilter(source));
          TokenStream stems = new KStemFilter(new ASCIIFoldingFilter(plain));
          // Krovetz keeps plurals that a dictionary lists, such as boots.
          return new TokenStreamComponents(source, new EnglishMinimalStemFilter(stems));
        }
      };

  private Words() {}

  /** The words in their order. */
  static List<Word> of(String text) {
    List<Word> out = new ArrayList<>();
    try (TokenStream stream = ANALYZER.tokenStream("text", text)) {
      CharTermAttribute term = stream.addAttribute(CharTermAttribute.class);
      OffsetAttribute offset = stream.addAttribute(OffsetAttribute.class);
      stream.reset();
      while (stream.incrementToken()) {
        String surface = text.substring(offset.startOffset(), offset.endOffset());
        String plain = surface.toLowerCase(Locale.ROOT).replaceFirst("['\u2019]s$", "");
        String known = Lexicon.canonical(plain);
        String stem = known.equals(plain) ? Lexicon.canonical(term.toString()) : known;
        out.add(new Word(plain, stem, offset.startOffset(), offset.endOffset()));
      }
      stream.end();
    } catch (IOException e) {
      throw new UncheckedIOException("words of a text in memory", e);
    }
    return out;
  }
}
