package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** JSON as Python's {@code json.dumps(value, ensure_ascii=False)} spaces it. */
final class Json {
  private Json() {}

  /** Writes a value; {@code indent} is null or a number of blanks. */
  static String write(Object value, Object indent) {
    StringBuilder out = new StringBuilder();
    int width = indent == null ? -1 : (int) Math.min(100, Values.integer(indent));
    write(value, width, 0, out);
    return Values.bounded(out.toString());
  }

  private static void write(Object value, int width, int depth, StringBuilder out) {
    if (value instanceof Map<?, ?> map) {
      List<Runnable> entries = new ArrayList<>();
      map.forEach(
          (key, element) ->
              entries.add(
                  () -> {
                    quote(Values.text(key), out);
                    out.append(": ");
                    write(element, width, depth + 1, out);
                  }));
      list('{', entries, '}', width, depth, out);
    } else if (value instanceof List<?> list) {
      List<Runnable> entries = new ArrayList<>();
      list.forEach(element -> entries.add(() -> write(element, width, depth + 1, out)));
      list('[', entries, ']', width, depth, out);
    } else if (value instanceof String text) {
      quote(text, out);
    } else if (value == null) {
      out.append("null");
    } else if (value instanceof Boolean || Values.isNumber(value)) {
      out.append(value);
    } else {
      throw Values.wrong("a value that JSON can hold", value);
    }
  }

  private static void list(
      char open, List<Runnable> entries, char close, int width, int depth, StringBuilder out) {
    out.append(open);
    for (int i = 0; i < entries.size(); i++) {
      out.append(i == 0 ? "" : width < 0 ? ", " : ",");
      breakLine(width, depth + 1, out);
      entries.get(i).run();
    }
    if (!entries.isEmpty()) {
      breakLine(width, depth, out);
    }
    out.append(close);
  }

  private static void breakLine(int width, int depth, StringBuilder out) {
    if (width >= 0) {
      out.append('\n').append(" ".repeat(width * depth));
    }
  }

  private static void quote(String text, StringBuilder out) {
    out.append('"');
    for (char c : text.toCharArray()) {
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> out.append(c < 0x20 ? String.format("\\u%04x", (int) c) : String.valueOf(c));
      }
    }
    out.append('"');
  }
}
