package dev.gavel.relevance;

import java.util.List;

/**
 * One candidate product: either {@code text}, or {@code title} with the optional rest. Absent
 * strings are empty, never null.
 */
public record Item(
    String id, String text, String title, String description, List<Attribute> attributes) {

  public Item {
    attributes = List.copyOf(attributes);
  }

  /** An item that is one text. */
  public static Item ofText(String text) {
    return new Item("", text, "", "", List.of());
  }
}
