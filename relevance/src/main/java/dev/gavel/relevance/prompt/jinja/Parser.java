package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Statements; expressions are {@link ExpressionParser}'s. */
final class Parser extends ExpressionParser {
  private static final int DEPTH_MAX = 100;
  private int depth;

  private Parser(List<Token> tokens) {
    super(tokens);
  }

  static List<Node> parse(String template) {
    Parser parser = new Parser(Lexer.tokens(template));
    List<Node> nodes = parser.body(Set.of());
    if (parser.peek().kind() != Token.Kind.EOF) {
      throw parser.expected("a statement");
    }
    return nodes;
  }

  /** Nodes up to a block whose name is in {@code ends}, which is left to the caller. */
  private List<Node> body(Set<String> ends) {
    if (++depth > DEPTH_MAX) {
      throw expected("at most " + DEPTH_MAX + " nested blocks");
    }
    List<Node> nodes = new ArrayList<>();
    while (true) {
      Token token = peek();
      if (token.kind() == Token.Kind.TEXT) {
        nodes.add(new Node.Text(next().text()));
      } else if (token.kind() == Token.Kind.PRINT_BEGIN) {
        next();
        nodes.add(new Node.Print(tuple()));
        expectEnd();
      } else if (token.kind() == Token.Kind.BLOCK_BEGIN && !ends.contains(peek(1).text())) {
        next();
        nodes.addAll(statement());
      } else {
        depth--;
        return nodes;
      }
    }
  }

  /** A block whose begin was read. */
  private List<Node> statement() {
    Token keyword = expect(Token.Kind.NAME);
    switch (keyword.text()) {
      case "if":
        return List.of(ifBlock());
      case "for":
        return List.of(forBlock());
      case "set":
        return List.of(set());
      case "macro":
        return List.of(macro());
      case "filter":
        return List.of(filterBlock());
      case "generation":
        expectEnd();
        return blockUntil("endgeneration");
      case "break", "continue":
        expectEnd();
        return List.of(new Node.Jump(keyword.text().equals("break")));
      default:
        throw new TemplateException(
            "line "
                + keyword.line()
                + ": expected if, for, set, macro, filter, generation, break or continue, found "
                + keyword.text());
    }
  }

  private List<Node> blockUntil(String end) {
    List<Node> nodes = body(Set.of(end));
    endBlock(end);
    return nodes;
  }

  private void endBlock(String name) {
    if (peek().kind() != Token.Kind.BLOCK_BEGIN || !peek(1).text().equals(name)) {
      throw expected("{% " + name + " %}");
    }
    next();
    next();
    expectEnd();
  }

  /** After {@code if} or {@code elif}. */
  private Node ifBlock() {
    Node.Expression condition = tuple();
    expectEnd();
    List<Node> then = body(Set.of("elif", "else", "endif"));
    if (peek().kind() != Token.Kind.BLOCK_BEGIN) {
      throw expected("{% endif %}");
    }
    if (peek(1).text().equals("elif")) {
      next();
      next();
      return new Node.If(condition, then, List.of(ifBlock()));
    }
    List<Node> otherwise = elseBody("endif");
    return new Node.If(condition, then, otherwise);
  }

  private List<Node> elseBody(String end) {
    List<Node> otherwise = List.of();
    if (peek(1).text().equals("else")) {
      next();
      next();
      expectEnd();
      otherwise = body(Set.of(end));
    }
    endBlock(end);
    return otherwise;
  }

  private Node forBlock() {
    List<String> targets = names();
    expectName("in");
    Node.Expression iterable = withoutConditional();
    Node.Expression condition = acceptName("if") ? expression() : null;
    expectEnd();
    List<Node> body = body(Set.of("else", "endfor"));
    return new Node.For(targets, iterable, condition, body, elseBody("endfor"));
  }

  private List<String> names() {
    boolean bracket = accept("(");
    List<String> names = new ArrayList<>();
    do {
      names.add(expect(Token.Kind.NAME).text());
    } while (accept(","));
    if (bracket) {
      expectOperator(")");
    }
    return names;
  }

  private Node set() {
    List<String> targets = names();
    String attribute = null;
    if (targets.size() == 1 && accept(".")) {
      attribute = expect(Token.Kind.NAME).text();
    }
    if (accept("=")) {
      Node.Expression value = tuple();
      expectEnd();
      return new Node.Set(targets, attribute, value);
    }
    if (targets.size() != 1 || attribute != null) {
      throw expected("=");
    }
    expectEnd();
    return new Node.SetBlock(targets.get(0), blockUntil("endset"));
  }

  private Node macro() {
    String name = expect(Token.Kind.NAME).text();
    List<String> parameters = new ArrayList<>();
    Map<String, Node.Expression> defaults = new LinkedHashMap<>();
    expectOperator("(");
    while (!accept(")")) {
      String parameter = expect(Token.Kind.NAME).text();
      parameters.add(parameter);
      if (accept("=")) {
        defaults.put(parameter, expression());
      }
      if (!accept(",") && !peek().is(Token.Kind.OPERATOR, ")")) {
        throw expected(", or )");
      }
    }
    expectEnd();
    return new Node.Macro(name, parameters, defaults, blockUntil("endmacro"));
  }

  private Node filterBlock() {
    String name = expect(Token.Kind.NAME).text();
    Node.Arguments arguments = accept("(") ? arguments() : Node.Arguments.NONE;
    expectEnd();
    return new Node.FilterBlock(name, arguments, blockUntil("endfilter"));
  }
}
