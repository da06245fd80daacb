package dev.gavel.training.data;

import dev.gavel.relevance.Item;
import java.util.List;
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
 * @param distribution a soft judgment: probabilities of the grades, best first, summing to 1; or
 *     empty
 */
public record Judgment(
    String id,
    String query,
    Item item,
    OptionalInt grade,
    OptionalDouble relevance,
    String rationale,
    List<Double> distribution) {
  /** How far the sum of a distribution may be from 1: it may come from rounded decimals. */
  private static final double SUM_TOLERANCE = 1e-3;

  public Judgment {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(query, "query");
    Objects.requireNonNull(item, "item");
    Objects.requireNonNull(rationale, "rationale");
    distribution = List.copyOf(distribution);
    if (grade.isEmpty() && relevance.isEmpty() && distribution.isEmpty()) {
      throw new IllegalArgumentException(
          "pair " + id + ": expected a grade, a relevance or a distribution");
    }
    if (!distribution.isEmpty() && !isDistribution(distribution)) {
      throw new IllegalArgumentException(
          "pair "
              + id
              + ": expected a distribution of at least 2 probabilities that sum to 1, found "
              + distribution);
    }
  }

  /** A pair without a distribution. */
  public Judgment(
      String id,
      String query,
      Item item,
      OptionalInt grade,
      OptionalDouble relevance,
      String rationale) {
    this(id, query, item, grade, relevance, rationale, List.of());
  }

  static boolean isDistribution(List<Double> values) {
    double sum = values.stream().mapToDouble(value -> value).sum();
    return values.size() > 1
        && values.stream().allMatch(value -> value >= 0)
        && Math.abs(sum - 1) <= SUM_TOLERANCE;
  }

  /** A pair with a grade and no reasoning. */
  public static Judgment graded(String id, String query, Item item, int grade) {
    return new Judgment(id, query, item, OptionalInt.of(grade), OptionalDouble.empty(), "");
  }

  /** The same pair with a reasoning. */
  public Judgment withRationale(String reasoning) {
    return new Judgment(id, query, item, grade, relevance, reasoning, distribution);
  }

  /** The same pair with a soft judgment. */
  public Judgment withDistribution(List<Double> probabilities) {
    return new Judgment(id, query, item, grade, relevance, rationale, probabilities);
  }
}
