package dev.gavel.relevance.prompt;

import java.util.ArrayList;
import java.util.List;

/** A text with places, such as {@code "\n{name}: {value}"}, cut at them once. */
final class Layout {
  private final List<String> texts = new ArrayList<>(); // before, between and behind the places
  private final List<Integer> order = new ArrayList<>(); // which place follows the text

  /**
   * Cuts a text.
   *
   * @param places how the places are written; each may come any number of times
   */
  Layout(String text, String... places) {
    int copied = 0;
    for (int at = 0; at < text.length(); ) {
      int place = placeAt(text, at, places);
      if (place < 0) {
        at++;
        continue;
      }
      texts.add(text.substring(copied, at));
      order.add(place);
      at += places[place].length();
      copied = at;
    }
    texts.add(text.substring(copied));
  }

  private static int placeAt(String text, int at, String[] places) {
    for (int i = 0; i < places.length; i++) {
      if (text.startsWith(places[i], at)) {
        return i;
      }
    }
    return -1;
  }

  /**
   * Appends the text with the places filled; places that a value spells stay as they are.
   *
   * @param values one for each place, in the constructor's order
   */
  void fill(StringBuilder out, String... values) {
    out.append(texts.get(0));
    for (int i = 0; i < order.size(); i++) {
      out.append(values[order.get(i)]).append(texts.get(i + 1));
    }
  }
}
