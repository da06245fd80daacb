package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Python's meaning of values: truth, text, arithmetic, order. */
final class Values {
  private static final int TEXT_MAX = 1 << 20;

  private Values() {}

  static String kind(Object value) {
    if (value == null) {
      return "none";
    } else if (value == Undefined.VALUE) {
      return "nothing (undefined)";
    } else if (value instanceof String) {
      return "a string";
    } else if (value instanceof Boolean) {
      return "a boolean";
    } else if (isNumber(value)) {
      return "a number";
    } else if (value instanceof List) {
      return "a list";
    } else if (value instanceof Map) {
      return "a mapping";
    }
    return value instanceof Function ? "a function" : "an object";
  }

  static TemplateException wrong(String expected, Object found) {
    return new TemplateException("expected " + expected + ", found " + kind(found));
  }

  /** A number other than a boolean. */
  static boolean isNumber(Object value) {
    return value instanceof Number;
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof Integer;
  }

  static long integer(Object value) {
    if (isInteger(value)) {
      return ((Number) value).longValue();
    }
    throw wrong("an integer", value);
  }

  static String string(Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw wrong("a string", value);
  }

  static boolean truth(Object value) {
    if (value == null || value == Undefined.VALUE) {
      return false;
    } else if (value instanceof Boolean bool) {
      return bool;
    } else if (value instanceof Number number) {
      return number.doubleValue() != 0;
    } else if (value instanceof String text) {
      return !text.isEmpty();
    } else if (value instanceof Collection<?> list) {
      return !list.isEmpty();
    }
    return !(value instanceof Map<?, ?> map) || !map.isEmpty();
  }

  /** Elements of a list, keys of a mapping, characters of a string. */
  static List<Object> iterate(Object value) {
    if (value == Undefined.VALUE) {
      return List.of();
    } else if (value instanceof Collection<?> list) {
      return new ArrayList<>(list);
    } else if (value instanceof Map<?, ?> map) {
      return new ArrayList<>(map.keySet());
    } else if (value instanceof String text) {
      return new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
    }
    throw wrong("something to iterate over", value);
  }

  /** Python's {@code str()}. */
  static String text(Object value) {
    if (value instanceof String text) {
      return text;
    }
    return value == Undefined.VALUE ? "" : representation(value);
  }

  /** Python's {@code repr()}. */
  private static String representation(Object value) {
    if (value == null) {
      return "None";
    } else if (value instanceof Boolean bool) {
      return bool ? "True" : "False";
    } else if (value instanceof String text) {
      char quote = text.contains("'") && !text.contains("\"") ? '"' : '\'';
      String escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t");
      return quote + (quote == '\'' ? escaped.replace("'", "\\'") : escaped) + quote;
    } else if (value instanceof List<?> list) {
      return bounded(
          "[" + String.join(", ", list.stream().map(Values::representation).toList()) + "]");
    } else if (value instanceof Map<?, ?> map) {
      List<String> entries = new ArrayList<>();
      map.forEach((k, v) -> entries.add(representation(k) + ": " + representation(v)));
      return bounded("{" + String.join(", ", entries) + "}");
    } else if (isNumber(value)) {
      return value.toString();
    }
    throw wrong("a value that can be printed", value);
  }

  static String bounded(String text) {
    if (text.length() > TEXT_MAX) {
      throw new TemplateException("expected at most " + TEXT_MAX + " characters of text");
    }
    return text;
  }

  static Object arithmetic(String operator, Object left, Object right) {
    if (operator.equals("~")) {
      return bounded(text(left) + text(right));
    } else if (operator.equals("+") && left instanceof String a && right instanceof String b) {
      return bounded(a + b);
    } else if (operator.equals("+") && left instanceof List<?> a && right instanceof List<?> b) {
      List<Object> both = new ArrayList<>(a);
      both.addAll(b);
      return both;
    } else if (operator.equals("*") && left instanceof String text && isInteger(right)) {
      long count = Math.max(0, integer(right));
      if (count > 0 && text.length() > TEXT_MAX / count) {
        throw new TemplateException("expected at most " + TEXT_MAX + " characters of text");
      }
      return text.repeat((int) count);
    } else if (isInteger(left) && isInteger(right)) {
      return integers(operator, integer(left), integer(right));
    } else if (isNumber(left) && isNumber(right)) {
      return reals(operator, ((Number) left).doubleValue(), ((Number) right).doubleValue());
    }
    throw new TemplateException(
        operator
            + ": expected two numbers, strings or lists, found "
            + kind(left)
            + " and "
            + kind(right));
  }

  private static Object integers(String operator, long a, long b) {
    if (b == 0 && (operator.equals("//") || operator.equals("%"))) {
      throw new TemplateException(operator + ": expected other than zero, found zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      case "**" -> b >= 0 ? (Object) (long) Math.pow(a, b) : (Object) Math.pow(a, b);
      default -> reals(operator, a, b);
    };
  }

  private static Object reals(String operator, double a, double b) {
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      case "**" -> Math.pow(a, b);
      default -> throw new TemplateException("expected an operator, found " + operator);
    };
  }

  static boolean equal(Object left, Object right) {
    if (isNumber(left) && isNumber(right)) {
      return ((Number) left).doubleValue() == ((Number) right).doubleValue();
    }
    return Objects.equals(left, right);
  }

  static boolean compare(String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> equal(left, right);
      case "!=" -> !equal(left, right);
      case "in" -> contains(right, left);
      case "not in" -> !contains(right, left);
      case "<" -> order(left, right) < 0;
      case "<=" -> order(left, right) <= 0;
      case ">" -> order(left, right) > 0;
      default -> order(left, right) >= 0;
    };
  }

  private static boolean contains(Object container, Object element) {
    if (container instanceof String text) {
      return text.contains(string(element));
    } else if (container instanceof Interpreter.Namespace namespace) {
      return namespace.values.containsKey(text(element));
    }
    return iterate(container).stream().anyMatch(other -> equal(other, element));
  }

  static int order(Object left, Object right) {
    if (isNumber(left) && isNumber(right)) {
      return Double.compare(((Number) left).doubleValue(), ((Number) right).doubleValue());
    } else if (left instanceof String a && right instanceof String b) {
      return a.compareTo(b);
    }
    throw new TemplateException(
        "expected two numbers or strings to compare, found " + kind(left) + " and " + kind(right));
  }
}
