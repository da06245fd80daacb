package dev.gavel.relevance.prompt.jinja;

import java.util.List;
import java.util.Map;

/** Something a template can call. */
interface Function {
  Object call(List<Object> arguments, Map<String, Object> named);
}
