package dev.gavel.training.data;

import java.util.Map;
import java.util.TreeSet;

/**
 * How a data set's own labels are read as grades.
 *
 * @param grades by label, spelled as in the data
 */
public record GradeMap(Map<String, Integer> grades) {
  /**
   * WANDS on the scale 4 to 1. A partial match is of the right kind and misses something asked for,
   * as 3-Related does; WANDS knows nothing between that and irrelevant.
   */
  public static final GradeMap WANDS =
      new GradeMap(Map.of("Exact", 4, "Partial", 3, "Irrelevant", 1));

  /**
   * ESCI on the scale 4 to 1: exact, substitute (right kind, something missing), complement (goes
   * with the thing but is another one), irrelevant.
   */
  public static final GradeMap ESCI = new GradeMap(Map.of("E", 4, "S", 3, "C", 2, "I", 1));

  public GradeMap {
    grades = Map.copyOf(grades);
  }

  /**
   * The grade of a label.
   *
   * @throws IllegalArgumentException naming the known labels
   */
  public int grade(String label) {
    Integer grade = grades.get(label);
    if (grade == null) {
      throw new IllegalArgumentException(
          "label: expected one of " + new TreeSet<>(grades.keySet()) + ", found " + label);
    }
    return grade;
  }
}
