package dev.gavel.training.data;

import dev.gavel.relevance.Item;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * One judged pair.
 *
 * @param id the pair's name in reports; never empty
 * @param item has a title; {@link Item#id} is the product's, or empty
 * @param grade on the label set's scale, 4 (best) to 1 in the default one
 * @param relevance a soft judgment, such as a mean of raters, on its file's own scale; see {@link
 *     SoftTarget}
 * @param rationale the reasoning that leads to the grade, or empty
 */
public record Judgment(
    String id,
    String query,
    Item item,
    OptionalInt grade,
    OptionalDouble relevance,
    String rationale) {

  public Judgment {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(query, "query");
    Objects.requireNonNull(item, "item");
    Objects.requireNonNull(rationale, "rationale");
    if (grade.isEmpty() && relevance.isEmpty()) {
      throw new IllegalArgumentException("pair " + id + ": expected a grade or a relevance");
    }
  }

  /** A pair with a grade and no reasoning. */
  public static Judgment graded(String id, String query, Item item, int grade) {
    return new Judgment(id, query, item, OptionalInt.of(grade), OptionalDouble.empty(), "");
  }

  /** The same pair with a reasoning. */
  public Judgment withRationale(String reasoning) {
    return new Judgment(id, query, item, grade, relevance, reasoning);
  }
}
