package dev.gavel.relevance.prompt.jinja;

import java.util.List;
import java.util.Map;

/** The syntax tree. */
sealed interface Node {
  /** Something that has a value. */
  sealed interface Expression extends Node {}

  record Literal(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  record ListOf(List<Expression> elements) implements Expression {}

  record DictOf(List<Expression> keys, List<Expression> values) implements Expression {}

  /** {@code object.name} or {@code object[key]}; {@code dotted} tells which. */
  record Member(Expression object, Expression key, boolean dotted) implements Expression {}

  /** {@code object[start:stop:step]}; null where left out. */
  record Slice(Expression object, Expression start, Expression stop, Expression step)
      implements Expression {}

  record Call(Expression function, Arguments arguments) implements Expression {}

  record Filter(Expression input, String name, Arguments arguments) implements Expression {}

  record Test(Expression input, String name, Arguments arguments, boolean negated)
      implements Expression {}

  record Unary(String operator, Expression operand) implements Expression {}

  record Binary(String operator, Expression left, Expression right) implements Expression {}

  /** {@code a < b <= c}. */
  record Comparison(Expression first, List<String> operators, List<Expression> rest)
      implements Expression {}

  /** {@code then if condition else otherwise}; {@code otherwise} may be null. */
  record Conditional(Expression condition, Expression then, Expression otherwise)
      implements Expression {}

  record Arguments(List<Expression> positional, Map<String, Expression> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());
  }

  record Text(String text) implements Node {}

  record Print(Expression expression) implements Node {}

  record If(Expression condition, List<Node> then, List<Node> otherwise) implements Node {}

  /** {@code condition} filters the elements; may be null. */
  record For(
      List<String> targets,
      Expression iterable,
      Expression condition,
      List<Node> body,
      List<Node> otherwise)
      implements Node {}

  /** {@code set a = ...}, {@code set ns.a = ...} ({@code attribute} not null) or a tuple. */
  record Set(List<String> targets, String attribute, Expression value) implements Node {}

  /** {@code set a} ... {@code endset}. */
  record SetBlock(String target, List<Node> body) implements Node {}

  record Macro(
      String name, List<String> parameters, Map<String, Expression> defaults, List<Node> body)
      implements Node {}

  /** {@code filter name} ... {@code endfilter}. */
  record FilterBlock(String name, Arguments arguments, List<Node> body) implements Node {}

  /** {@code break} or {@code continue}. */
  record Jump(boolean leaves) implements Node {}
}
