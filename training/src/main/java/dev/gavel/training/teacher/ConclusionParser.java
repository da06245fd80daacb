package dev.gavel.training.teacher;

import dev.gavel.relevance.Label;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the label that a reasoning comes to.
 *
 * <p>It is what stands behind the last heading such as {@code Decision:}, up to the line's end: a
 * label's name ({@code 4-Excellent}), the name's words ({@code excellent}), its grade as a number,
 * or a surface form; the first of them counts. Where there is no heading, the last sentence is
 * searched for names and their words only, since surface forms such as {@code No} are ordinary
 * words, and numbers may be anything. A name behind "not" does not count.
 */
public final class ConclusionParser {
  private static final Pattern HEADING =
      Pattern.compile(
          "\\b(?:decision|conclusion|verdict|final (?:label|grade|answer)|label|grade)"
              + "\\W{0,4}(?::|\\bis\\b|=)",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern SENTENCE_END = Pattern.compile("[.!?](?=\\s)|\\n");

  private record Name(Pattern pattern, int label) {}

  private final List<Name> names = new ArrayList<>();
  private final List<Name> forms = new ArrayList<>();

  public ConclusionParser(List<Label> labels) {
    for (int i = 0; i < labels.size(); i++) {
      Label label = labels.get(i);
      names.add(name(label.name(), i));
      String words = label.name().replaceFirst("^[\\d\\W]+", "");
      if (!words.isEmpty() && !words.equals(label.name())) {
        names.add(name(words, i));
      }
      forms.add(name(number(label.grade()), i));
      for (String form : label.surfaceForms()) {
        forms.add(name(form, i));
      }
    }
  }

  /** A grade as it is written in text: without a fraction where it has none. */
  static String number(double grade) {
    return grade == Math.rint(grade) ? Long.toString((long) grade) : Double.toString(grade);
  }

  private static Name name(String text, int label) {
    // Hyphens and decimals count as parts of a word: "non-related" and "2.5" name nothing.
    String flexible = Pattern.quote(text.strip()).replace(" ", "\\E[\\s_-]+\\Q");
    return new Name(
        Pattern.compile(
            "(?<![\\p{L}\\p{N}-])(?<!\\d\\.)(?<!\\bnot\\s)"
                + flexible
                + "(?![\\p{L}\\p{N}])(?!\\.\\d|-\\p{L})",
            Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE),
        label);
  }

  /** The label's index, or empty if the text names none. */
  public OptionalInt parse(String reasoning) {
    int from = -1;
    Matcher heading = HEADING.matcher(reasoning);
    while (heading.find()) {
      from = heading.end();
    }
    if (from >= 0) {
      String rest = reasoning.substring(from).stripLeading();
      int end = rest.indexOf('\n');
      return first(end < 0 ? rest : rest.substring(0, end), true);
    }
    return first(lastSentence(reasoning), false);
  }

  private static String lastSentence(String text) {
    String stripped = text.strip();
    int from = SENTENCE_END.matcher(stripped).results().mapToInt(MatchResult::end).max().orElse(0);
    return stripped.substring(from);
  }

  /** The earliest name; of those that begin at one place, the longest. */
  private OptionalInt first(String text, boolean anyForm) {
    int at = Integer.MAX_VALUE;
    int length = 0;
    int label = -1;
    List<Name> all = new ArrayList<>(names);
    if (anyForm) {
      all.addAll(forms);
    }
    for (Name each : all) {
      Matcher matcher = each.pattern().matcher(text);
      if (matcher.find()) {
        int found = matcher.end() - matcher.start();
        if (matcher.start() < at || (matcher.start() == at && found > length)) {
          at = matcher.start();
          length = found;
          label = each.label();
        }
      }
    }
    return label < 0 ? OptionalInt.empty() : OptionalInt.of(label);
  }
}
