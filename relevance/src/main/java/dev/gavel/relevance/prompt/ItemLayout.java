package dev.gavel.relevance.prompt;

import dev.gavel.relevance.Attribute;
import dev.gavel.relevance.Item;

/** How one model's prompt shows items. Thread-safe. */
final class ItemLayout {
  private final Layout attribute;
  private final Layout description;

  ItemLayout(PromptSpec spec) {
    attribute = new Layout(spec.attribute(), "{name}", "{value}");
    description = new Layout(spec.description(), "{description}");
  }

  /** Lays an item out in at most so many characters; linear in its length. */
  ItemText apply(Item item, int charsMax) {
    boolean parts =
        !item.title().isEmpty() || !item.description().isEmpty() || !item.attributes().isEmpty();
    if (!item.text().isEmpty() && parts) {
      return ItemText.bad(
          "item: expected either text, or title with description and attributes, found both");
    }
    Room room = new Room(charsMax);
    if (!parts) {
      return item.text().isBlank()
          ? ItemText.bad("item: expected text or title, found neither")
          : room.put(item.text().strip()).end();
    }
    String title = ItemText.oneLine(item.title());
    if (title.isEmpty()) {
      return ItemText.bad("title: expected text, found none beside description or attributes");
    }
    room.put(title);
    for (Attribute shown : item.attributes()) {
      String value = ItemText.oneLine(shown.value());
      if (!value.isEmpty()) {
        room.put(attribute, ItemText.oneLine(shown.name()), value);
      }
    }
    String text = ItemText.oneLine(item.description());
    if (!text.isEmpty()) {
      room.put(description, text);
    }
    return room.end();
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
      int before = text.length();
      text.append(more);
      return cutFrom(before);
    }

    void put(Layout layout, String... values) {
      int before = text.length();
      layout.fill(text, values);
      cutFrom(before);
    }

    /** Takes off what is too much of the text behind {@code before}; no pair of chars is halved. */
    private Room cutFrom(int before) {
      if (text.length() > charsMax) {
        int end = charsMax;
        if (end > before && Character.isHighSurrogate(text.charAt(end - 1))) {
          end--;
        }
        cut += text.length() - end;
        text.setLength(end);
      }
      return this;
    }

    ItemText end() {
      return new ItemText(text.toString(), (int) Math.min(cut, Integer.MAX_VALUE), null);
    }
  }
}
