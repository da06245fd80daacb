package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code object.name}, {@code object[key]} and slices. */
final class Members {
  private Members() {}

  static Object get(Object object, Object key, boolean dotted) {
    if (object == Undefined.VALUE) {
      throw new TemplateException(
          "expected an object to take '" + Values.text(key) + "' of, found nothing (undefined)");
    } else if (object instanceof Interpreter.Namespace namespace) {
      return namespace.values.getOrDefault(Values.text(key), Undefined.VALUE);
    } else if (object instanceof Map<?, ?> map) {
      return ofMap(map, key, dotted);
    } else if (object instanceof List<?> list && Values.isInteger(key)) {
      int index = index(Values.integer(key), list.size());
      return index < 0 ? Undefined.VALUE : list.get(index);
    } else if (object instanceof String text && Values.isInteger(key)) {
      int index = index(Values.integer(key), text.length());
      return index < 0 ? Undefined.VALUE : text.substring(index, index + 1);
    } else if (object instanceof String text && key instanceof String name) {
      return StringMethods.find(text, name);
    }
    return Undefined.VALUE;
  }

  /** A dotted name means a method first, as it does in Python. */
  private static Object ofMap(Map<?, ?> map, Object key, boolean dotted) {
    Object method = dotted ? method(map, Values.text(key)) : Undefined.VALUE;
    if (method != Undefined.VALUE) {
      return method;
    }
    return map.containsKey(key) ? map.get(key) : Undefined.VALUE;
  }

  private static Object method(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> (Function) (arguments, named) -> items(map);
      case "keys" -> (Function) (arguments, named) -> new ArrayList<Object>(map.keySet());
      case "values" -> (Function) (arguments, named) -> new ArrayList<Object>(map.values());
      case "get" ->
          (Function)
              (arguments, named) -> {
                Object fallback = arguments.size() > 1 ? arguments.get(1) : null;
                return map.containsKey(arguments.get(0)) ? map.get(arguments.get(0)) : fallback;
              };
      default -> Undefined.VALUE;
    };
  }

  /** Pairs of key and value. */
  static List<Object> items(Map<?, ?> map) {
    List<Object> out = new ArrayList<>();
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      List<Object> pair = new ArrayList<>();
      pair.add(entry.getKey());
      pair.add(entry.getValue());
      out.add(pair);
    }
    return out;
  }

  /** The place of a possibly negative index, or -1 if there is none. */
  private static int index(long index, int size) {
    long place = index < 0 ? index + size : index;
    return place >= 0 && place < size ? (int) place : -1;
  }

  /** Python's slice of a list or a string. */
  static Object slice(Object object, Long start, Long stop, Long step) {
    if (object instanceof String text) {
      StringBuilder out = new StringBuilder();
      int[] points = text.codePoints().toArray();
      for (int i : indices(points.length, start, stop, step)) {
        out.appendCodePoint(points[i]);
      }
      return out.toString();
    } else if (object instanceof List<?> list) {
      List<Object> out = new ArrayList<>();
      for (int i : indices(list.size(), start, stop, step)) {
        out.add(list.get(i));
      }
      return out;
    }
    throw Values.wrong("a list or a string to slice", object);
  }

  private static int[] indices(int size, Long start, Long stop, Long step) {
    long by = step == null ? 1 : step;
    if (by == 0) {
      throw new TemplateException("slice: expected a step other than zero, found zero");
    }
    boolean up = by > 0;
    long from = start == null ? (up ? 0 : size - 1) : clamp(start, size, up);
    long to = stop == null ? (up ? size : -1) : clamp(stop, size, up);
    List<Integer> out = new ArrayList<>();
    for (long i = from; up ? i < to : i > to; i += by) {
      out.add((int) i);
    }
    return out.stream().mapToInt(Integer::intValue).toArray();
  }

  private static long clamp(long bound, int size, boolean up) {
    long place = bound < 0 ? bound + size : bound;
    return up ? Math.max(0, Math.min(place, size)) : Math.max(-1, Math.min(place, size - 1));
  }
}
