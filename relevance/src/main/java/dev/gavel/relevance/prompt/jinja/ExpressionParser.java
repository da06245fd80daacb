package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Expressions, by recursive descent in Jinja's order of precedence. */
class ExpressionParser {
  private static final int DEPTH_MAX = 200;
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> AFTER_TEST =
      Set.of("else", "or", "and", "is", "if", "not", "in");

  private final List<Token> tokens;
  private int at;
  private int depth;

  ExpressionParser(List<Token> tokens) {
    this.tokens = tokens;
  }

  final Token peek() {
    return peek(0);
  }

  final Token peek(int ahead) {
    return tokens.get(Math.min(at + ahead, tokens.size() - 1));
  }

  final Token next() {
    Token token = peek();
    at++;
    return token;
  }

  final TemplateException expected(String what) {
    Token found = peek();
    String text = found.kind() == Token.Kind.EOF ? "the end of the template" : found.text();
    return new TemplateException("line " + found.line() + ": expected " + what + ", found " + text);
  }

  final Token expect(Token.Kind kind) {
    if (peek().kind() != kind) {
      throw expected(kind.name().toLowerCase(java.util.Locale.ROOT));
    }
    return next();
  }

  final void expectEnd() {
    if (peek().kind() != Token.Kind.END) {
      throw expected("the end of the tag");
    }
    next();
  }

  final boolean accept(String operator) {
    if (peek().is(Token.Kind.OPERATOR, operator)) {
      next();
      return true;
    }
    return false;
  }

  final void expectOperator(String operator) {
    if (!accept(operator)) {
      throw expected(operator);
    }
  }

  final boolean acceptName(String name) {
    if (peek().is(Token.Kind.NAME, name)) {
      next();
      return true;
    }
    return false;
  }

  final void expectName(String name) {
    if (!acceptName(name)) {
      throw expected(name);
    }
  }

  /** An expression, or several with commas, which make a list. */
  final Node.Expression tuple() {
    Node.Expression first = expression();
    if (!peek().is(Token.Kind.OPERATOR, ",")) {
      return first;
    }
    List<Node.Expression> elements = new ArrayList<>(List.of(first));
    while (accept(",")) {
      if (peek().kind() == Token.Kind.END || peek().is(Token.Kind.OPERATOR, ")")) {
        break;
      }
      elements.add(expression());
    }
    return new Node.ListOf(elements);
  }

  final Node.Expression expression() {
    if (++depth > DEPTH_MAX) {
      throw expected("at most " + DEPTH_MAX + " nested expressions");
    }
    Node.Expression value = or();
    while (acceptName("if")) {
      Node.Expression condition = or();
      Node.Expression otherwise = acceptName("else") ? expression() : null;
      value = new Node.Conditional(condition, value, otherwise);
    }
    depth--;
    return value;
  }

  /** The iterable of a {@code for}: its {@code if} filters the loop. */
  final Node.Expression withoutConditional() {
    return or();
  }

  private Node.Expression or() {
    Node.Expression left = and();
    while (acceptName("or")) {
      left = new Node.Binary("or", left, and());
    }
    return left;
  }

  private Node.Expression and() {
    Node.Expression left = not();
    while (acceptName("and")) {
      left = new Node.Binary("and", left, not());
    }
    return left;
  }

  private Node.Expression not() {
    int negations = 0;
    while (acceptName("not")) {
      negations++;
    }
    Node.Expression value = comparison();
    for (; negations > 0; negations--) {
      value = new Node.Unary("not", value);
    }
    return value;
  }

  private Node.Expression comparison() {
    Node.Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Node.Expression> rest = new ArrayList<>();
    while (true) {
      Token token = peek();
      if (token.kind() == Token.Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        operators.add(next().text());
      } else if (acceptName("in")) {
        operators.add("in");
      } else if (token.is(Token.Kind.NAME, "not") && peek(1).is(Token.Kind.NAME, "in")) {
        next();
        next();
        operators.add("not in");
      } else {
        return operators.isEmpty() ? first : new Node.Comparison(first, operators, rest);
      }
      rest.add(sum());
    }
  }

  private Node.Expression sum() {
    Node.Expression left = concatenation();
    while (true) {
      if (accept("+")) {
        left = new Node.Binary("+", left, concatenation());
      } else if (accept("-")) {
        left = new Node.Binary("-", left, concatenation());
      } else {
        return left;
      }
    }
  }

  private Node.Expression concatenation() {
    Node.Expression left = product();
    while (accept("~")) {
      left = new Node.Binary("~", left, product());
    }
    return left;
  }

  private Node.Expression product() {
    Node.Expression left = unary(true);
    while (true) {
      Token token = peek();
      boolean operator =
          token.kind() == Token.Kind.OPERATOR && Set.of("*", "/", "//", "%").contains(token.text());
      if (!operator) {
        return left;
      }
      next();
      left = new Node.Binary(token.text(), left, unary(true));
    }
  }

  private Node.Expression unary(boolean withFilters) {
    Node.Expression value;
    if (accept("-")) {
      value = new Node.Unary("-", unary(false));
    } else if (accept("+")) {
      value = new Node.Unary("+", unary(false));
    } else {
      value = postfix(primary());
    }
    if (accept("**")) {
      value = new Node.Binary("**", value, unary(false));
    }
    return withFilters ? filters(value) : value;
  }

  private Node.Expression primary() {
    Token token = peek();
    switch (token.kind()) {
      case NAME:
        next();
        return switch (token.text()) {
          case "true", "True" -> new Node.Literal(true);
          case "false", "False" -> new Node.Literal(false);
          case "none", "None" -> new Node.Literal(null);
          default -> new Node.Name(token.text());
        };
      case STRING:
        StringBuilder text = new StringBuilder();
        while (peek().kind() == Token.Kind.STRING) {
          text.append(next().text());
        }
        return new Node.Literal(text.toString());
      case INTEGER:
        next();
        return new Node.Literal(integer(token));
      case FLOAT:
        next();
        return new Node.Literal(Double.parseDouble(token.text()));
      case OPERATOR:
        return bracketed();
      default:
        throw expected("an expression");
    }
  }

  private static long integer(Token token) {
    try {
      return Long.parseLong(token.text());
    } catch (NumberFormatException e) {
      throw new TemplateException(
          "line " + token.line() + ": expected an integer below 2^63, found " + token.text());
    }
  }

  private Node.Expression bracketed() {
    if (accept("(")) {
      if (accept(")")) {
        return new Node.ListOf(List.of());
      }
      Node.Expression inner = tuple();
      expectOperator(")");
      return inner;
    }
    if (accept("[")) {
      List<Node.Expression> elements = new ArrayList<>();
      while (!accept("]")) {
        elements.add(expression());
        separator("]");
      }
      return new Node.ListOf(elements);
    }
    if (accept("{")) {
      List<Node.Expression> keys = new ArrayList<>();
      List<Node.Expression> values = new ArrayList<>();
      while (!accept("}")) {
        keys.add(expression());
        expectOperator(":");
        values.add(expression());
        separator("}");
      }
      return new Node.DictOf(keys, values);
    }
    throw expected("an expression");
  }

  private void separator(String close) {
    if (!accept(",") && !peek().is(Token.Kind.OPERATOR, close)) {
      throw expected(", or " + close);
    }
  }

  private Node.Expression postfix(Node.Expression value) {
    Node.Expression out = value;
    while (true) {
      if (accept(".")) {
        Token key = next();
        boolean index = key.kind() == Token.Kind.INTEGER;
        if (!index && key.kind() != Token.Kind.NAME) {
          throw expected("a name after the dot");
        }
        out = new Node.Member(out, new Node.Literal(index ? integer(key) : key.text()), !index);
      } else if (accept("[")) {
        out = subscript(out);
      } else if (accept("(")) {
        out = new Node.Call(out, arguments());
      } else {
        return out;
      }
    }
  }

  private Node.Expression subscript(Node.Expression object) {
    Node.Expression[] bounds = new Node.Expression[3];
    int colons = 0;
    while (!accept("]")) {
      if (accept(":")) {
        if (++colons > 2) {
          throw expected("]");
        }
      } else if (bounds[colons] == null) {
        bounds[colons] = expression();
      } else {
        throw expected("]");
      }
    }
    if (colons > 0) {
      return new Node.Slice(object, bounds[0], bounds[1], bounds[2]);
    }
    if (bounds[0] == null) {
      throw expected("a key before ]");
    }
    return new Node.Member(object, bounds[0], false);
  }

  /** Arguments whose opening parenthesis was read, the closing one included. */
  final Node.Arguments arguments() {
    List<Node.Expression> positional = new ArrayList<>();
    Map<String, Node.Expression> named = new LinkedHashMap<>();
    while (!accept(")")) {
      if (peek().kind() == Token.Kind.NAME && peek(1).is(Token.Kind.OPERATOR, "=")) {
        String name = next().text();
        next();
        named.put(name, expression());
      } else {
        positional.add(expression());
      }
      separator(")");
    }
    return new Node.Arguments(positional, named);
  }

  private Node.Expression filters(Node.Expression value) {
    Node.Expression out = value;
    while (true) {
      if (accept("|")) {
        String name = expect(Token.Kind.NAME).text();
        out = new Node.Filter(out, name, accept("(") ? arguments() : Node.Arguments.NONE);
      } else if (acceptName("is")) {
        out = test(out);
      } else if (accept("(")) {
        out = new Node.Call(out, arguments());
      } else {
        return out;
      }
    }
  }

  private Node.Expression test(Node.Expression value) {
    boolean negated = acceptName("not");
    String name = expect(Token.Kind.NAME).text();
    Token token = peek();
    Node.Arguments arguments = Node.Arguments.NONE;
    boolean operand =
        switch (token.kind()) {
          case NAME -> !AFTER_TEST.contains(token.text());
          case STRING, INTEGER, FLOAT -> true;
          case OPERATOR -> token.text().equals("[") || token.text().equals("{");
          default -> false;
        };
    if (accept("(")) {
      arguments = arguments();
    } else if (operand) {
      arguments = new Node.Arguments(List.of(postfix(primary())), Map.of());
    }
    return new Node.Test(value, name, arguments, negated);
  }
}
