package dev.gavel.training.data;

import dev.gavel.relevance.Label;
import java.util.List;

/** Finds a pair's label by its grade. */
public final class GradeIndex {
  private GradeIndex() {}

  /**
   * Index of the label with the pair's grade.
   *
   * @throws IllegalArgumentException naming the pair, if it has no grade of the label set
   */
  public static int of(List<Label> labels, Judgment judgment) {
    for (int i = 0; i < labels.size(); i++) {
      if (judgment.grade().isPresent() && labels.get(i).grade() == judgment.grade().getAsInt()) {
        return i;
      }
    }
    throw new IllegalArgumentException(
        "pair "
            + judgment.id()
            + ": expected a grade of "
            + labels.stream().map(Label::grade).toList()
            + ", found "
            + (judgment.grade().isPresent() ? judgment.grade().getAsInt() : "none"));
  }
}
