package dev.gavel.training.teacher.evidence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A number with its unit, such as {@code 1/2 inch}.
 *
 * @param value of the number, in {@code unit}
 * @param number as it was written
 */
record Measure(double value, Unit unit, String number) {
  /** Measures closer than this are one: 1 gal and 3.78 l. */
  private static final double TOLERANCE = 0.01;

  private static final String NUMBER =
      "(\\d+\\s?-\\s?\\d+/\\d+|\\d+ \\d+/\\d+|\\d+/\\d+|\\d{1,3}(?:,\\d{3})+|\\d*\\.\\d+|\\d+)";
  private static final String UNITS =
      Arrays.stream(Unit.values())
          .map(unit -> "(?:" + unit.spellings + ")")
          .collect(Collectors.joining("|"));
  private static final Pattern MEASURE =
      Pattern.compile(
          "(?<![\\w./])(?:"
              + ("(?:pack|set|box|case|lot|bag)s? of " + NUMBER + "(?![\\w.])")
              + ("|" + NUMBER + "\\s?-?\\s?(" + UNITS + ")(?![\\p{L}\\d])")
              // 18 x 20 in.: the first number has the unit of the last.
              + ("|" + NUMBER + "(?=(?:\\s?[xX\u00d7]\\s?[\\d./-]+)+\\s?-?\\s?(" + UNITS + ")")
              + "(?![\\p{L}\\d])))",
          Pattern.CASE_INSENSITIVE);

  /** The measures of a text, and the text with blanks in their places. */
  record Found(List<Measure> measures, String rest) {}

  static Found find(String text) {
    List<Measure> measures = new ArrayList<>();
    StringBuilder rest = new StringBuilder(text);
    Matcher matcher = MEASURE.matcher(text);
    while (matcher.find()) {
      measures.add(measure(matcher));
      for (int i = matcher.start(); i < matcher.end(); i++) {
        rest.setCharAt(i, ' ');
      }
    }
    return new Found(List.copyOf(measures), rest.toString());
  }

  private static Measure measure(Matcher found) {
    if (found.group(1) != null) {
      return new Measure(value(found.group(1)), Unit.PACK, found.group(1));
    }
    int group = found.group(2) != null ? 2 : 4;
    String number = found.group(group);
    return new Measure(value(number), unit(found.group(group + 1)), number);
  }

  private static Unit unit(String spelling) {
    return Arrays.stream(Unit.values())
        .filter(
            unit ->
                Pattern.compile(unit.spellings, Pattern.CASE_INSENSITIVE)
                    .matcher(spelling)
                    .matches())
        .findFirst()
        .orElseThrow(() -> new AssertionError("a unit that UNITS matched: " + spelling));
  }

  /** Value of a number such as 1,000, .5, 3/4 and 1-1/4. */
  static double value(String number) {
    String plain = number.replace(",", "").replaceAll("\\s?-\\s?", " ").strip();
    double sum = 0;
    for (String part : plain.split(" ")) {
      String[] fraction = part.split("/");
      sum +=
          fraction.length == 2
              ? Double.parseDouble(fraction[0]) / Double.parseDouble(fraction[1])
              : Double.parseDouble(part);
    }
    return sum;
  }

  boolean comparable(Measure other) {
    return unit.kind == other.unit.kind;
  }

  boolean same(Measure other) {
    double own = value * unit.size;
    double theirs = other.value * other.unit.size;
    return comparable(other)
        && Math.abs(own - theirs) <= TOLERANCE * Math.max(Math.abs(own), Math.abs(theirs));
  }

  /** Such as {@code 20 inch}. */
  String written() {
    return number.replaceAll("\\s", "") + " " + unit.written;
  }
}
