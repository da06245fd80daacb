package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs a tree once. */
final class Interpreter {
  private static final int STEPS_MAX = 1_000_000;
  private static final int OUTPUT_MAX = 1 << 20;
  private static final int CALLS_MAX = 50;

  /** A namespace: the one value a template can change from an inner scope. */
  static final class Namespace {
    final Map<String, Object> values = new LinkedHashMap<>();
  }

  private enum Flow {
    GO_ON,
    BREAK,
    CONTINUE
  }

  private final Scope root = new Scope(null);
  private StringBuilder out = new StringBuilder();
  private int steps;
  private int calls;

  Interpreter(Map<String, ?> variables) {
    root.set("raise_exception", (Function) Interpreter::raise);
    root.set("range", (Function) Interpreter::range);
    root.set("namespace", (Function) Interpreter::namespace);
    root.set("dict", (Function) (arguments, named) -> new LinkedHashMap<>(named));
    variables.forEach(root::set);
  }

  String render(List<Node> nodes) {
    run(nodes, root);
    return out.toString();
  }

  private static Object raise(List<Object> arguments, Map<String, Object> named) {
    String message = arguments.isEmpty() ? "no reason given" : Values.text(arguments.get(0));
    throw new TemplateException(message, true);
  }

  private static Object range(List<Object> arguments, Map<String, Object> named) {
    if (arguments.isEmpty() || arguments.size() > 3) {
      throw new TemplateException("range: expected 1 to 3 integers, found " + arguments.size());
    }
    long[] n = arguments.stream().mapToLong(Values::integer).toArray();
    long from = n.length == 1 ? 0 : n[0];
    long to = n.length == 1 ? n[0] : n[1];
    long step = n.length == 3 ? n[2] : 1;
    List<Object> out = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      if (step == 0 || out.size() >= 100_000) {
        throw new TemplateException("range: expected at most 100000 numbers");
      }
      out.add(i);
    }
    return out;
  }

  private static Object namespace(List<Object> arguments, Map<String, Object> named) {
    Namespace namespace = new Namespace();
    namespace.values.putAll(named);
    return namespace;
  }

  private Flow run(List<Node> nodes, Scope scope) {
    for (Node node : nodes) {
      Flow flow = run(node, scope);
      if (flow != Flow.GO_ON) {
        return flow;
      }
    }
    return Flow.GO_ON;
  }

  private Flow run(Node node, Scope scope) {
    step();
    if (node instanceof Node.Text text) {
      write(text.text());
    } else if (node instanceof Node.Print print) {
      write(Values.text(value(print.expression(), scope)));
    } else if (node instanceof Node.If branch) {
      return run(truth(branch.condition(), scope) ? branch.then() : branch.otherwise(), scope);
    } else if (node instanceof Node.For loop) {
      loop(loop, scope);
    } else if (node instanceof Node.Set set) {
      set(set, scope);
    } else if (node instanceof Node.SetBlock set) {
      scope.set(set.target(), captured(set.body(), new Scope(scope)));
    } else if (node instanceof Node.Macro macro) {
      scope.set(macro.name(), (Function) (given, named) -> call(macro, given, named, scope));
    } else if (node instanceof Node.FilterBlock filter) {
      String inner = captured(filter.body(), new Scope(scope));
      write(Values.text(filter(inner, filter.name(), filter.arguments(), scope)));
    } else if (node instanceof Node.Jump jump) {
      return jump.leaves() ? Flow.BREAK : Flow.CONTINUE;
    }
    return Flow.GO_ON;
  }

  private void step() {
    if (++steps > STEPS_MAX) {
      throw new TemplateException("expected an end within " + STEPS_MAX + " steps, found none");
    }
  }

  private void write(String text) {
    if (out.length() + text.length() > OUTPUT_MAX) {
      throw new TemplateException("expected at most " + OUTPUT_MAX + " characters of text");
    }
    out.append(text);
  }

  private String captured(List<Node> body, Scope scope) {
    StringBuilder outer = out;
    out = new StringBuilder();
    try {
      run(body, scope);
      return out.toString();
    } finally {
      out = outer;
    }
  }

  private void loop(Node.For loop, Scope scope) {
    List<Object> elements = new ArrayList<>();
    for (Object element : Values.iterate(value(loop.iterable(), scope))) {
      step();
      Scope inner = new Scope(scope);
      bind(loop.targets(), element, inner);
      if (loop.condition() == null || truth(loop.condition(), inner)) {
        elements.add(element);
      }
    }
    if (elements.isEmpty()) {
      run(loop.otherwise(), new Scope(scope));
    }
    for (int i = 0; i < elements.size(); i++) {
      Scope inner = new Scope(scope);
      inner.set("loop", loopVariable(elements, i));
      bind(loop.targets(), elements.get(i), inner);
      if (run(loop.body(), inner) == Flow.BREAK) {
        break;
      }
    }
  }

  private static Map<String, Object> loopVariable(List<Object> elements, int i) {
    int size = elements.size();
    Map<String, Object> loop = new LinkedHashMap<>();
    loop.put("index0", (long) i);
    loop.put("index", i + 1L);
    loop.put("revindex0", size - i - 1L);
    loop.put("revindex", (long) size - i);
    loop.put("first", i == 0);
    loop.put("last", i == size - 1);
    loop.put("length", (long) size);
    loop.put("previtem", i == 0 ? Undefined.VALUE : elements.get(i - 1));
    loop.put("nextitem", i == size - 1 ? Undefined.VALUE : elements.get(i + 1));
    loop.put("cycle", (Function) (values, named) -> values.get(i % values.size()));
    return loop;
  }

  private static void bind(List<String> targets, Object value, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.get(0), value);
      return;
    }
    List<Object> parts = Values.iterate(value);
    if (parts.size() != targets.size()) {
      throw new TemplateException(
          "expected " + targets.size() + " values for " + targets + ", found " + parts.size());
    }
    for (int i = 0; i < parts.size(); i++) {
      scope.set(targets.get(i), parts.get(i));
    }
  }

  private void set(Node.Set set, Scope scope) {
    Object value = value(set.value(), scope);
    if (set.attribute() == null) {
      bind(set.targets(), value, scope);
    } else if (scope.get(set.targets().get(0)) instanceof Namespace namespace) {
      namespace.values.put(set.attribute(), value);
    } else {
      throw new TemplateException(
          set.targets().get(0) + ": expected a namespace to set " + set.attribute() + " of");
    }
  }

  private Object call(
      Node.Macro macro, List<Object> given, Map<String, Object> named, Scope defining) {
    if (++calls > CALLS_MAX) {
      throw new TemplateException("expected at most " + CALLS_MAX + " nested macro calls");
    }
    Scope inner = new Scope(defining);
    for (int i = 0; i < macro.parameters().size(); i++) {
      String parameter = macro.parameters().get(i);
      Node.Expression fallback = macro.defaults().get(parameter);
      if (i < given.size()) {
        inner.set(parameter, given.get(i));
      } else if (named.containsKey(parameter)) {
        inner.set(parameter, named.get(parameter));
      } else {
        inner.set(parameter, fallback == null ? Undefined.VALUE : value(fallback, inner));
      }
    }
    String text = captured(macro.body(), inner);
    calls--;
    return text;
  }

  private boolean truth(Node.Expression expression, Scope scope) {
    return Values.truth(value(expression, scope));
  }

  private Object value(Node.Expression expression, Scope scope) {
    step();
    if (expression instanceof Node.Literal literal) {
      return literal.value();
    } else if (expression instanceof Node.Name name) {
      return scope.get(name.name());
    } else if (expression instanceof Node.ListOf list) {
      return values(list.elements(), scope);
    } else if (expression instanceof Node.DictOf dict) {
      Map<Object, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < dict.keys().size(); i++) {
        map.put(value(dict.keys().get(i), scope), value(dict.values().get(i), scope));
      }
      return map;
    } else if (expression instanceof Node.Member member) {
      Object object = value(member.object(), scope);
      return Members.get(object, value(member.key(), scope), member.dotted());
    } else if (expression instanceof Node.Slice slice) {
      return slice(slice, scope);
    } else if (expression instanceof Node.Call call) {
      return call(call, scope);
    } else if (expression instanceof Node.Filter filter) {
      return filter(value(filter.input(), scope), filter.name(), filter.arguments(), scope);
    } else if (expression instanceof Node.Test test) {
      List<Object> arguments = values(test.arguments().positional(), scope);
      return Tests.apply(test.name(), value(test.input(), scope), arguments) != test.negated();
    }
    return operation(expression, scope);
  }

  private Object operation(Node.Expression expression, Scope scope) {
    if (expression instanceof Node.Unary unary) {
      Object operand = value(unary.operand(), scope);
      return unary.operator().equals("not")
          ? (Object) !Values.truth(operand)
          : Values.arithmetic(unary.operator(), 0L, operand);
    } else if (expression instanceof Node.Binary binary) {
      Object left = value(binary.left(), scope);
      boolean or = binary.operator().equals("or");
      if (or || binary.operator().equals("and")) {
        return Values.truth(left) == or ? left : value(binary.right(), scope);
      }
      return Values.arithmetic(binary.operator(), left, value(binary.right(), scope));
    } else if (expression instanceof Node.Comparison comparison) {
      Object left = value(comparison.first(), scope);
      for (int i = 0; i < comparison.rest().size(); i++) {
        Object right = value(comparison.rest().get(i), scope);
        if (!Values.compare(comparison.operators().get(i), left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    } else if (expression instanceof Node.Conditional conditional) {
      if (truth(conditional.condition(), scope)) {
        return value(conditional.then(), scope);
      }
      return conditional.otherwise() == null
          ? Undefined.VALUE
          : value(conditional.otherwise(), scope);
    }
    throw new IllegalStateException("no rule for " + expression);
  }

  private List<Object> values(List<Node.Expression> expressions, Scope scope) {
    List<Object> out = new ArrayList<>(expressions.size());
    for (Node.Expression expression : expressions) {
      out.add(value(expression, scope));
    }
    return out;
  }

  private Map<String, Object> named(Node.Arguments arguments, Scope scope) {
    Map<String, Object> out = new LinkedHashMap<>();
    arguments.named().forEach((name, expression) -> out.put(name, value(expression, scope)));
    return out;
  }

  private Object call(Node.Call call, Scope scope) {
    Object function = value(call.function(), scope);
    if (!(function instanceof Function callable)) {
      String name =
          call.function() instanceof Node.Name simple ? simple.name() : Values.kind(function);
      throw new TemplateException(name + ": expected a function, found " + Values.kind(function));
    }
    List<Object> positional = values(call.arguments().positional(), scope);
    return callable.call(positional, named(call.arguments(), scope));
  }

  private Object filter(Object input, String name, Node.Arguments arguments, Scope scope) {
    return Filters.apply(
        name, input, values(arguments.positional(), scope), named(arguments, scope));
  }

  private Object slice(Node.Slice slice, Scope scope) {
    Object object = value(slice.object(), scope);
    return Members.slice(
        object,
        bound(slice.start(), scope),
        bound(slice.stop(), scope),
        bound(slice.step(), scope));
  }

  private Long bound(Node.Expression expression, Scope scope) {
    Object value = expression == null ? null : value(expression, scope);
    return value == null ? null : Values.integer(value);
  }
}
