package dev.gavel.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Processors as Linux lists them: {@code 0-3,6}. */
public final class CoreList {
  private static final Pattern RANGE = Pattern.compile("(\\d{1,4})(?:-(\\d{1,4}))?");

  private CoreList() {}

  /**
   * The numbers of a list, in its order; of an empty text, none.
   *
   * @throws IllegalArgumentException that says what was expected and what was found
   */
  public static List<Integer> parse(String text) {
    List<Integer> cores = new ArrayList<>();
    if (text.isBlank()) {
      return cores;
    }
    for (String part : text.split(",", -1)) {
      Matcher range = RANGE.matcher(part.strip());
      int first = range.matches() ? Integer.parseInt(range.group(1)) : 0;
      int last =
          range.matches() && range.group(2) != null ? Integer.parseInt(range.group(2)) : first;
      if (!range.matches() || last < first) {
        throw new IllegalArgumentException(
            "expected processors such as 0-3,6, found \"" + text + "\"");
      }
      for (int core = first; core <= last; core++) {
        cores.add(core);
      }
    }
    return cores;
  }
}
