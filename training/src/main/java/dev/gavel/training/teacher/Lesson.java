package dev.gavel.training.teacher;

import java.util.Objects;
import java.util.OptionalInt;

/**
 * What a teacher says about a pair.
 *
 * @param reasoning a text of the five steps, see {@link ReasoningSteps}; never blank
 * @param label the teacher's own label, an index into the label set; empty if it named none
 */
public record Lesson(String reasoning, OptionalInt label) {
  public Lesson {
    Objects.requireNonNull(label, "label");
    if (reasoning.isBlank()) {
      throw new IllegalArgumentException("reasoning: expected a text, found a blank one");
    }
  }
}
