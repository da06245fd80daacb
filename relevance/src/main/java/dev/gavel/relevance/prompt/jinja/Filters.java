package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What stands behind {@code |}. */
final class Filters {
  private Filters() {}

  static Object apply(String name, Object input, List<Object> given, Map<String, Object> named) {
    return switch (name) {
      case "trim" -> StringMethods.strip(Values.text(input), optionalString(given, 0), true, true);
      case "upper" -> Values.text(input).toUpperCase(Locale.ROOT);
      case "lower" -> Values.text(input).toLowerCase(Locale.ROOT);
      case "capitalize" -> StringMethods.capitalize(Values.text(input));
      case "title" -> StringMethods.title(Values.text(input));
      case "string" -> Values.text(input);
      case "safe" -> input;
      case "replace" -> StringMethods.replace(Values.text(input), given);
      case "indent" -> indent(Values.text(input), given, named);
      case "tojson" -> Json.write(input, argument(given, 0, named, "indent", null));
      case "int" -> toInteger(input, argument(given, 0, named, "default", 0L));
      case "float" -> toReal(input, argument(given, 0, named, "default", 0.0));
      case "abs" ->
          Values.isInteger(input)
              ? (Object) Math.abs(Values.integer(input))
              : Math.abs((Double) input);
      case "default", "d" -> fallback(input, given, named);
      default -> ofList(name, input, given, named);
    };
  }

  private static Object ofList(
      String name, Object input, List<Object> given, Map<String, Object> named) {
    return switch (name) {
      case "length", "count" -> length(input);
      case "list" -> Values.iterate(input);
      case "first" -> edge(Values.iterate(input), true);
      case "last" -> edge(Values.iterate(input), false);
      case "join" -> join(input, given, named);
      case "reverse" -> reverse(input);
      case "unique" -> new ArrayList<>(new LinkedHashSet<>(Values.iterate(input)));
      case "sort" -> Values.iterate(input).stream().sorted(Values::order).toList();
      case "min" -> Collections.min(Values.iterate(input), Values::order);
      case "max" -> Collections.max(Values.iterate(input), Values::order);
      case "sum" -> sum(Values.iterate(input));
      case "items" -> input instanceof Map<?, ?> map ? Members.items(map) : List.of();
      case "dictsort" -> dictSort(input);
      case "map" -> map(input, given, named);
      case "select" -> select(input, null, given, 0, true);
      case "reject" -> select(input, null, given, 0, false);
      case "selectattr" -> select(input, given.get(0), given, 1, true);
      case "rejectattr" -> select(input, given.get(0), given, 1, false);
      default -> throw new TemplateException("|" + name + ": expected a known filter");
    };
  }

  private static Object argument(
      List<Object> given, int i, Map<String, Object> named, String name, Object fallback) {
    return i < given.size() ? given.get(i) : named.getOrDefault(name, fallback);
  }

  private static String optionalString(List<Object> given, int i) {
    return i < given.size() ? Values.string(given.get(i)) : null;
  }

  private static Object fallback(Object input, List<Object> given, Map<String, Object> named) {
    boolean falsy = Values.truth(argument(given, 1, named, "boolean", false));
    boolean replaces = input == Undefined.VALUE || falsy && !Values.truth(input);
    return replaces ? argument(given, 0, named, "default_value", "") : input;
  }

  private static long length(Object input) {
    if (input instanceof String text) {
      return text.codePointCount(0, text.length());
    } else if (input instanceof Collection<?> list) {
      return list.size();
    } else if (input instanceof Map<?, ?> map) {
      return map.size();
    } else if (input == Undefined.VALUE) {
      return 0;
    }
    throw Values.wrong("something with a length", input);
  }

  private static Object edge(List<Object> list, boolean first) {
    return list.isEmpty() ? Undefined.VALUE : list.get(first ? 0 : list.size() - 1);
  }

  private static Object join(Object input, List<Object> given, Map<String, Object> named) {
    Object attribute = argument(given, 1, named, "attribute", null);
    Object list = attribute == null ? input : attributes(input, attribute);
    return StringMethods.join(Values.text(argument(given, 0, named, "d", "")), list);
  }

  private static Object reverse(Object input) {
    if (input instanceof String text) {
      return new StringBuilder(text).reverse().toString();
    }
    List<Object> list = Values.iterate(input);
    Collections.reverse(list);
    return list;
  }

  private static Object sum(List<Object> list) {
    Object sum = 0L;
    for (Object element : list) {
      sum = Values.arithmetic("+", sum, element);
    }
    return sum;
  }

  private static Object dictSort(Object input) {
    if (!(input instanceof Map<?, ?> map)) {
      throw Values.wrong("a mapping", input);
    }
    return Members.items(map).stream()
        .sorted((a, b) -> Values.order(((List<?>) a).get(0), ((List<?>) b).get(0)))
        .toList();
  }

  private static List<Object> attributes(Object input, Object attribute) {
    List<Object> out = new ArrayList<>();
    for (Object element : Values.iterate(input)) {
      out.add(Members.get(element, attribute, false));
    }
    return out;
  }

  private static Object map(Object input, List<Object> given, Map<String, Object> named) {
    if (named.containsKey("attribute")) {
      return attributes(input, named.get("attribute"));
    }
    String filter = Values.string(edge(given, true));
    List<Object> out = new ArrayList<>();
    for (Object element : Values.iterate(input)) {
      out.add(apply(filter, element, given.subList(1, given.size()), named));
    }
    return out;
  }

  /** Keeps elements (or those whose attribute) pass a test; without a test, those that are true. */
  private static Object select(
      Object input, Object attribute, List<Object> given, int test, boolean keep) {
    List<Object> out = new ArrayList<>();
    for (Object element : Values.iterate(input)) {
      Object tested = attribute == null ? element : Members.get(element, attribute, false);
      boolean passes =
          given.size() <= test
              ? Values.truth(tested)
              : Tests.apply(
                  Values.string(given.get(test)), tested, given.subList(test + 1, given.size()));
      if (passes == keep) {
        out.add(element);
      }
    }
    return out;
  }

  private static Object toInteger(Object input, Object fallback) {
    if (Values.isNumber(input)) {
      return ((Number) input).longValue();
    }
    try {
      return Long.parseLong(Values.text(input).strip());
    } catch (NumberFormatException e) {
      return fallback;
    }
  }

  private static Object toReal(Object input, Object fallback) {
    if (Values.isNumber(input)) {
      return ((Number) input).doubleValue();
    }
    try {
      return Double.parseDouble(Values.text(input).strip());
    } catch (NumberFormatException e) {
      return fallback;
    }
  }

  private static String indent(String text, List<Object> given, Map<String, Object> named) {
    Object width = argument(given, 0, named, "width", 4L);
    String by =
        width instanceof String s ? s : " ".repeat((int) Math.min(100, Values.integer(width)));
    boolean first = Values.truth(argument(given, 1, named, "first", false));
    String[] lines = text.split("\n", -1);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < lines.length; i++) {
      out.append(i > 0 ? "\n" : "");
      out.append((i > 0 || first) && !lines[i].isEmpty() ? by : "").append(lines[i]);
    }
    return Values.bounded(out.toString());
  }
}
