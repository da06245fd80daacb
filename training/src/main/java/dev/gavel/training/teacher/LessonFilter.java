package dev.gavel.training.teacher;

import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.QuerySplit;
import dev.gavel.training.teacher.ReasoningSteps.Category;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.ToIntFunction;

/** Keeps away lessons that would teach something wrong. Belongs to one thread. */
public final class LessonFilter {
  /** Why a lesson was dropped; the first that applies counts. */
  public enum Reason {
    /** The teacher's own label is another than the judged one. */
    WRONG_LABEL,
    /** The reasoning does not lead to its label; see {@link LessonFilter#contradicts}. */
    CONTRADICTION,
    /** More tokens than allowed. */
    TOO_LONG,
    /** The same reasoning was given for the same query before. */
    DUPLICATE;

    /** As reports write it: {@code wrong label}. */
    public String written() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  /**
   * Which reasons count.
   *
   * @param tokensMax the longest reasoning that is not too long; 0 for any
   */
  public record Options(
      boolean wrongLabel, boolean contradiction, int tokensMax, boolean duplicates) {
    public Options {
      if (tokensMax < 0) {
        throw new IllegalArgumentException("tokensMax: expected 0 or more, found " + tokensMax);
      }
    }
  }

  private final Options options;
  private final int worst;
  private final ConclusionParser conclusions;
  private final ToIntFunction<String> tokens;
  private final Set<String> seen = new HashSet<>();

  /**
   * @param labels number of labels, of which 0 is the best
   * @param tokens of a text
   */
  public LessonFilter(
      Options options, int labels, ConclusionParser conclusions, ToIntFunction<String> tokens) {
    this.options = options;
    this.worst = labels - 1;
    this.conclusions = conclusions;
    this.tokens = tokens;
  }

  /**
   * Why the lesson is to be dropped, or empty.
   *
   * @param judged the judged label; empty if the pair has none
   */
  public Optional<Reason> reject(Judgment pair, OptionalInt judged, Lesson lesson) {
    OptionalInt label = judged.isPresent() ? judged : lesson.label();
    if (options.wrongLabel() && lesson.label().isPresent() && !lesson.label().equals(label)) {
      return Optional.of(Reason.WRONG_LABEL);
    }
    if (options.contradiction()
        && label.isPresent()
        && contradicts(lesson.reasoning(), label.getAsInt())) {
      return Optional.of(Reason.CONTRADICTION);
    }
    if (options.tokensMax() > 0 && tokens.applyAsInt(lesson.reasoning()) > options.tokensMax()) {
      return Optional.of(Reason.TOO_LONG);
    }
    String key = QuerySplit.normalized(pair.query()) + "\n" + lesson.reasoning();
    return options.duplicates() && !seen.add(key)
        ? Optional.of(Reason.DUPLICATE)
        : Optional.empty();
  }

  /**
   * Whether a reasoning contradicts a label: it concludes with another one; or it finds another
   * category or an accessory, and the label is the best; or it finds the same category, states the
   * attributes and finds nothing missing, and the label is the worst.
   */
  public boolean contradicts(String reasoning, int label) {
    OptionalInt conclusion = conclusions.parse(reasoning);
    if (conclusion.isPresent() && conclusion.getAsInt() != label) {
      return true;
    }
    ReasoningSteps steps = ReasoningSteps.of(reasoning);
    if (steps.category().isEmpty()) {
      return false;
    }
    Category category = steps.category().get();
    boolean fits = category == Category.SAME && !steps.attributes().isEmpty() && !steps.lacks();
    boolean misses = category == Category.DIFFERENT || category == Category.ACCESSORY;
    return (label == 0 && misses) || (label == worst && fits);
  }
}
