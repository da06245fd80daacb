package dev.gavel.training.teacher;

import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Tier;
import dev.gavel.training.data.Judgment;
import java.util.List;

/** The four grades of the default label set, and pairs to judge. */
public final class Labels {
  public static final List<Label> FOUR =
      List.of(
          new Label("4-Excellent", 4, List.of("Yes"), Tier.GOOD),
          new Label("3-Related", 3, List.of("Mostly"), Tier.GOOD),
          new Label("2-Mismatch", 2, List.of("Partly"), Tier.MID),
          new Label("1-Irrelevant", 1, List.of("No"), Tier.BAD));

  private Labels() {}

  public static Judgment pair(String id, String query, String title, int grade) {
    return Judgment.graded(id, query, new Item("", "", title, "", List.of()), grade);
  }
}
