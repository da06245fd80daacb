package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Python's string methods. */
final class StringMethods {
  private StringMethods() {}

  /** The method of that name bound to {@code text}, or undefined. */
  static Object find(String text, String name) {
    return switch (name) {
      case "strip" -> method(a -> strip(text, optional(a, 0), true, true));
      case "lstrip" -> method(a -> strip(text, optional(a, 0), true, false));
      case "rstrip" -> method(a -> strip(text, optional(a, 0), false, true));
      case "split" -> method(a -> split(text, optional(a, 0), limit(a)));
      case "rsplit" -> method(a -> rsplit(text, optional(a, 0), limit(a)));
      case "splitlines" -> method(a -> new ArrayList<Object>(text.lines().toList()));
      case "startswith" -> method(a -> any(a, text::startsWith));
      case "endswith" -> method(a -> any(a, text::endsWith));
      case "upper" -> method(a -> text.toUpperCase(Locale.ROOT));
      case "lower" -> method(a -> text.toLowerCase(Locale.ROOT));
      case "capitalize" -> method(a -> capitalize(text));
      case "title" -> method(a -> title(text));
      case "replace" -> method(a -> replace(text, a));
      case "find" -> method(a -> (long) text.indexOf(required(a, 0)));
      case "rfind" -> method(a -> (long) text.lastIndexOf(required(a, 0)));
      case "count" -> method(a -> count(text, required(a, 0)));
      case "join" -> method(a -> join(text, a.get(0)));
      case "removeprefix" ->
          method(
              a ->
                  text.startsWith(required(a, 0)) ? text.substring(required(a, 0).length()) : text);
      case "removesuffix" ->
          method(
              a ->
                  text.endsWith(required(a, 0))
                      ? text.substring(0, text.length() - required(a, 0).length())
                      : text);
      case "isdigit" ->
          method(a -> !text.isEmpty() && text.codePoints().allMatch(Character::isDigit));
      case "isalpha" ->
          method(a -> !text.isEmpty() && text.codePoints().allMatch(Character::isLetter));
      case "isspace" ->
          method(a -> !text.isEmpty() && text.codePoints().allMatch(Character::isWhitespace));
      default -> Undefined.VALUE;
    };
  }

  private static Function method(java.util.function.Function<List<Object>, Object> body) {
    return (arguments, named) -> {
      List<Object> all = new ArrayList<>(arguments);
      all.addAll(named.values());
      return body.apply(all);
    };
  }

  private static String required(List<Object> arguments, int i) {
    if (i >= arguments.size()) {
      throw new TemplateException("string method: expected " + (i + 1) + " arguments");
    }
    return Values.string(arguments.get(i));
  }

  private static String optional(List<Object> arguments, int i) {
    return i < arguments.size() && arguments.get(i) != null ? required(arguments, i) : null;
  }

  private static int limit(List<Object> arguments) {
    return arguments.size() < 2 ? -1 : (int) Values.integer(arguments.get(1));
  }

  private static boolean any(
      List<Object> arguments, java.util.function.Predicate<String> predicate) {
    if (!arguments.isEmpty() && arguments.get(0) instanceof List<?> options) {
      return options.stream().anyMatch(option -> predicate.test(Values.string(option)));
    }
    return predicate.test(required(arguments, 0));
  }

  /** Strips white space, or the characters of {@code set}. */
  static String strip(String text, String set, boolean left, boolean right) {
    int begin = 0;
    int end = text.length();
    while (left && begin < end && strips(text.charAt(begin), set)) {
      begin++;
    }
    while (right && end > begin && strips(text.charAt(end - 1), set)) {
      end--;
    }
    return text.substring(begin, end);
  }

  private static boolean strips(char c, String set) {
    return set != null
        ? set.indexOf(c) >= 0
        : Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }

  private static List<Object> split(String text, String separator, int limit) {
    List<Object> out = new ArrayList<>();
    if (separator == null) {
      String rest = strip(text, null, true, false);
      while (!rest.isEmpty()) {
        int end = 0;
        while (end < rest.length() && !strips(rest.charAt(end), null)) {
          end++;
        }
        if (limit >= 0 && out.size() == limit) {
          end = rest.length();
        }
        out.add(rest.substring(0, end));
        rest = strip(rest.substring(end), null, true, false);
      }
      return out;
    }
    requireSeparator(separator);
    int from = 0;
    for (int at = text.indexOf(separator);
        at >= 0 && (limit < 0 || out.size() < limit);
        at = text.indexOf(separator, from)) {
      out.add(text.substring(from, at));
      from = at + separator.length();
    }
    out.add(text.substring(from));
    return out;
  }

  private static List<Object> rsplit(String text, String separator, int limit) {
    if (separator == null || limit < 0) {
      return split(text, separator, limit);
    }
    requireSeparator(separator);
    List<Object> out = new ArrayList<>();
    int end = text.length();
    while (out.size() < limit) {
      int at = text.lastIndexOf(separator, end - separator.length());
      if (at < 0) {
        break;
      }
      out.add(0, text.substring(at + separator.length(), end));
      end = at;
    }
    out.add(0, text.substring(0, end));
    return out;
  }

  private static void requireSeparator(String separator) {
    if (separator.isEmpty()) {
      throw new TemplateException("split: expected a separator, found an empty string");
    }
  }

  static String capitalize(String text) {
    return text.isEmpty()
        ? text
        : text.substring(0, 1).toUpperCase(Locale.ROOT)
            + text.substring(1).toLowerCase(Locale.ROOT);
  }

  static String title(String text) {
    StringBuilder out = new StringBuilder();
    boolean inWord = false;
    for (char c : text.toCharArray()) {
      out.append(inWord ? Character.toLowerCase(c) : Character.toUpperCase(c));
      inWord = Character.isLetter(c);
    }
    return out.toString();
  }

  static String replace(String text, List<Object> arguments) {
    String from = required(arguments, 0);
    String to = required(arguments, 1);
    long times = arguments.size() > 2 ? Values.integer(arguments.get(2)) : -1;
    if (times < 0) {
      return Values.bounded(text.replace(from, to));
    }
    StringBuilder out = new StringBuilder();
    int copied = 0;
    int at = text.indexOf(from);
    for (; times > 0 && at >= 0 && !from.isEmpty(); times--) {
      out.append(text, copied, at).append(to);
      copied = at + from.length();
      at = text.indexOf(from, copied);
    }
    return Values.bounded(out.append(text.substring(copied)).toString());
  }

  private static long count(String text, String part) {
    long count = 0;
    for (int at = text.indexOf(part); at >= 0 && !part.isEmpty(); count++) {
      at = text.indexOf(part, at + part.length());
    }
    return count;
  }

  static String join(String separator, Object list) {
    return Values.bounded(
        String.join(separator, Values.iterate(list).stream().map(Values::text).toList()));
  }
}
