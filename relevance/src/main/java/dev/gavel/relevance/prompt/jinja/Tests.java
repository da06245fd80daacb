package dev.gavel.relevance.prompt.jinja;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What stands behind {@code is}. */
final class Tests {
  private Tests() {}

  static boolean apply(String name, Object value, List<Object> arguments) {
    return switch (name) {
      case "defined" -> value != Undefined.VALUE;
      case "undefined" -> value == Undefined.VALUE;
      case "none" -> value == null;
      case "string" -> value instanceof String;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "number" -> Values.isNumber(value) || value instanceof Boolean;
      case "integer" -> Values.isInteger(value);
      case "float" -> value instanceof Double;
      case "mapping" -> value instanceof Map;
      case "sequence" ->
          value instanceof String || value instanceof Collection || value instanceof Map;
      case "iterable" ->
          value instanceof String
              || value instanceof Collection
              || value instanceof Map
              || value == Undefined.VALUE;
      case "callable" -> value instanceof Function;
      case "odd" -> Math.floorMod(Values.integer(value), 2L) == 1;
      case "even" -> Math.floorMod(Values.integer(value), 2L) == 0;
      case "divisibleby" ->
          Math.floorMod(Values.integer(value), Values.integer(one(name, arguments))) == 0;
      case "lower" -> Values.string(value).equals(Values.string(value).toLowerCase(Locale.ROOT));
      case "upper" -> Values.string(value).equals(Values.string(value).toUpperCase(Locale.ROOT));
      case "sameas" -> same(value, one(name, arguments));
      case "eq", "equalto" -> Values.equal(value, one(name, arguments));
      case "ne" -> !Values.equal(value, one(name, arguments));
      case "lt", "lessthan" -> Values.compare("<", value, one(name, arguments));
      case "le" -> Values.compare("<=", value, one(name, arguments));
      case "gt", "greaterthan" -> Values.compare(">", value, one(name, arguments));
      case "ge" -> Values.compare(">=", value, one(name, arguments));
      case "in" -> Values.compare("in", value, one(name, arguments));
      default -> throw new TemplateException("is " + name + ": expected a known test");
    };
  }

  private static boolean same(Object left, Object right) {
    boolean simple = left instanceof Boolean || left instanceof String || Values.isNumber(left);
    return simple ? left.equals(right) : left == right;
  }

  private static Object one(String name, List<Object> arguments) {
    if (arguments.size() != 1) {
      throw new TemplateException(
          "is " + name + ": expected 1 argument, found " + arguments.size());
    }
    return arguments.get(0);
  }
}
