package dev.gavel.relevance.edit;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Layers by number from 0, in rising order. */
public final class LayerList {
  private static final Pattern PART = Pattern.compile("(\\d{1,6})(?:-(\\d{1,6}))?");

  private LayerList() {}

  /**
   * Reads {@code 10} (the first ten), or numbers and ranges such as {@code 0-9,28,29}. A single
   * layer is {@code 7-7}.
   *
   * @param layers of the model
   * @throws IllegalArgumentException naming what was expected and what was found
   */
  public static int[] parse(String text, int layers) {
    if (text.matches("\\d{1,6}")) {
      int count = Integer.parseInt(text);
      if (count < 1 || count > layers) {
        throw new IllegalArgumentException(
            "layers: expected a number from 1 to " + layers + ", found " + count);
      }
      return IntStream.range(0, count).toArray();
    }
    List<Integer> out = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      addRange(part.strip(), layers, out);
    }
    return out.stream().mapToInt(Integer::intValue).toArray();
  }

  private static void addRange(String part, int layers, List<Integer> out) {
    Matcher range = PART.matcher(part);
    if (!range.matches()) {
      throw new IllegalArgumentException(
          "layers: expected a number, or numbers and ranges such as 0-9,28,29, found '"
              + part
              + "'");
    }
    int first = Integer.parseInt(range.group(1));
    int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
    int previous = out.isEmpty() ? -1 : out.get(out.size() - 1);
    if (first <= previous || last < first || last >= layers) {
      throw new IllegalArgumentException(
          "layers: expected rising numbers from 0 to " + (layers - 1) + ", found " + part);
    }
    IntStream.rangeClosed(first, last).forEach(out::add);
  }
}
