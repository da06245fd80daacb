package dev.gavel.relevance.prompt.jinja;

import java.util.HashMap;
import java.util.Map;

/** Variables; an inner scope sees the outer's but sets its own. */
final class Scope {
  private final Scope outer;
  private final Map<String, Object> values = new HashMap<>();

  Scope(Scope outer) {
    this.outer = outer;
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      if (scope.values.containsKey(name)) {
        return scope.values.get(name);
      }
    }
    return Undefined.VALUE;
  }

  void set(String name, Object value) {
    values.put(name, value);
  }
}
