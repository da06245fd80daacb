package dev.gavel.relevance.prompt;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;
import java.util.Map;

/**
 * An item as one text: title, attributes, description, in this order, so that cutting from the end
 * cuts the description first, then the last attributes, and the title last.
 *
 * @param text at most {@code charsMax} characters; empty where there is a problem
 * @param cutChars characters left out
 * @param problem why there is no text, or null
 */
record ItemText(String text, int cutChars, String problem) {

  /** Lays an item out; linear in its length. */
  static ItemText of(Item item, PromptSpec spec, int charsMax) {
    boolean parts =
        !item.title().isEmpty() || !item.description().isEmpty() || !item.attributes().isEmpty();
    if (!item.text().isEmpty() && parts) {
      return bad(
          "item: expected either text, or title with description and attributes, found both");
    }
    Room room = new Room(charsMax);
    if (!parts) {
      return item.text().isBlank()
          ? bad("item: expected text or title, found neither")
          : room.put(item.text().strip()).end();
    }
    String title = oneLine(item.title());
    if (title.isEmpty()) {
      return bad("title: expected text, found none beside description or attributes");
    }
    room.put(title);
    for (Attribute attribute : item.attributes()) {
      String value = oneLine(attribute.value());
      if (!value.isEmpty()) {
        room.put(
            fill(spec.attribute(), Map.of("{name}", oneLine(attribute.name()), "{value}", value)));
      }
    }
    String description = oneLine(item.description());
    if (!description.isEmpty()) {
      room.put(fill(spec.description(), Map.of("{description}", description)));
    }
    return room.end();
  }

  private static ItemText bad(String problem) {
    return new ItemText("", 0, problem);
  }

  /** Fills the places of a layout; places that a value spells stay as they are. */
  private static String fill(String layout, Map<String, String> places) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < layout.length(); ) {
      int at = i;
      String place =
          places.keySet().stream().filter(p -> layout.startsWith(p, at)).findFirst().orElse(null);
      out.append(place == null ? layout.substring(i, i + 1) : places.get(place));
      i += place == null ? 1 : place.length();
    }
    return out.toString();
  }

  /** Runs of white space and control characters become one space; none at the ends. */
  static String oneLine(String text) {
    StringBuilder out = new StringBuilder(text.length());
    boolean gap = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isWhitespace(c) || Character.isSpaceChar(c) || Character.isISOControl(c)) {
        gap = out.length() > 0;
      } else {
        if (gap) {
          out.append(' ');
          gap = false;
        }
        out.append(c);
      }
    }
    return out.toString();
  }

  /** A text that takes no more than so many characters and counts the others. */
  private static final class Room {
    private final StringBuilder text = new StringBuilder();
    private final int charsMax;
    private long cut;

    private Room(int charsMax) {
      this.charsMax = charsMax;
    }

    Room put(String more) {
      int taken = Math.min(more.length(), charsMax - text.length());
      if (taken > 0 && taken < more.length() && Character.isHighSurrogate(more.charAt(taken - 1))) {
        taken--;
      }
      text.append(more, 0, taken);
      cut += more.length() - taken;
      return this;
    }

    ItemText end() {
      return new ItemText(text.toString(), (int) Math.min(cut, Integer.MAX_VALUE), null);
    }
  }
}
