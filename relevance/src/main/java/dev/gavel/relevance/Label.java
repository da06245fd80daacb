package dev.gavel.relevance;

import java.util.List;

/**
 * One answer the model may give.
 *
 * @param name as shown to users, for example {@code 4-Excellent}
 * @param grade its place on the scale; larger is better
 * @param surfaceForms the texts whose probabilities add up to the label's; at least one
 * @param tier the tier that a cumulative probability reaching the threshold at this label means
 */
public record Label(String name, double grade, List<String> surfaceForms, Tier tier) {
  public Label {
    surfaceForms = List.copyOf(surfaceForms);
  }
}
