package dev.gavel.training;

import dev.gavel.relevance.Item;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.Tier;
import dev.gavel.training.data.Judgment;
import java.util.List;

/** The four grades of the default label set, and pairs to judge. */
public final class Labels {
  /** Answered by words, as models without a manifest are asked. */
  public static final List<Label> WORDS = four("Yes", "Mostly", "Partly", "No");

  /** Answered by digits. */
  public static final List<Label> DIGITS = four("4", "3", "2", "1");

  private Labels() {}

  /** The best first. */
  private static List<Label> four(String excellent, String related, String mismatch, String not) {
    return List.of(
        new Label("4-Excellent", 4, List.of(excellent), Tier.GOOD),
        new Label("3-Related", 3, List.of(related), Tier.GOOD),
        new Label("2-Mismatch", 2, List.of(mismatch), Tier.MID),
        new Label("1-Irrelevant", 1, List.of(not), Tier.BAD));
  }

  public static Judgment pair(String id, String query, String title, int grade) {
    return Judgment.graded(id, query, new Item("", "", title, "", List.of()), grade);
  }
}
