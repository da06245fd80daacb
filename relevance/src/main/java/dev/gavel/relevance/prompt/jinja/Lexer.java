package dev.gavel.relevance.prompt.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Splits a template into tokens. White space as {@code trim_blocks} and {@code lstrip_blocks} want
 * it; {@code -} strips more, {@code +} keeps.
 */
final class Lexer {
  private static final Pattern OPEN = Pattern.compile("\\{([{%#])([-+]?)");
  private static final Pattern RAW =
      Pattern.compile(
          "\\{%([-+]?)\\s*raw\\s*(-?)%\\}(.*?)\\{%(-?)\\s*endraw\\s*([-+]?)%\\}", Pattern.DOTALL);
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final Pattern NUMBER =
      Pattern.compile("(\\d+(?:_\\d+)*)(\\.\\d+)?([eE][+-]?\\d+)?");
  private static final List<String> OPERATORS =
      List.of(
          "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")",
          "[", "]", "{", "}", ".", ",", ":", "|");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private int lineCounted;

  private Lexer(String source) {
    this.source = source;
  }

  /** Splits a template. One line break at its end is dropped, as Jinja does. */
  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    Lexer lexer = new Lexer(source);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    boolean stripNext = false;
    boolean trimBreak = false;
    Matcher open = OPEN.matcher(source);
    while (true) {
      boolean found = open.find(at);
      int end = found ? open.start() : source.length();
      boolean block = found && !open.group(1).equals("{");
      text(at, end, stripNext, trimBreak, found ? open.group(2) : "", block);
      if (!found) {
        add(Token.Kind.EOF, "");
        return;
      }
      at = end;
      Matcher raw = RAW.matcher(source).region(at, source.length());
      String close;
      if (raw.lookingAt()) {
        int from = raw.start(3);
        text(from, raw.end(3), raw.group(2).equals("-"), true, raw.group(4), true);
        at = raw.end();
        close = raw.group(5);
      } else {
        at = open.end();
        close = open.group(1).equals("#") ? comment() : tag(open.group(1));
      }
      stripNext = close.equals("-");
      trimBreak = block && !close.equals("+");
    }
  }

  private void text(
      int from, int to, boolean stripLeft, boolean trimBreak, String mark, boolean beforeBlock) {
    int begin = from;
    int end = to;
    if (stripLeft) {
      while (begin < end && Character.isWhitespace(source.charAt(begin))) {
        begin++;
      }
    } else if (trimBreak && begin < end && source.charAt(begin) == '\n') {
      begin++;
    }
    if (mark.equals("-")) {
      while (end > begin && Character.isWhitespace(source.charAt(end - 1))) {
        end--;
      }
    } else if (beforeBlock && !mark.equals("+")) {
      end = withoutIndent(begin, end);
    }
    if (end > begin) {
      add(Token.Kind.TEXT, source.substring(begin, end));
    }
  }

  /** Drops the blanks before a block if nothing else stands before it on its line. */
  private int withoutIndent(int begin, int end) {
    int i = end;
    while (i > begin && (source.charAt(i - 1) == ' ' || source.charAt(i - 1) == '\t')) {
      i--;
    }
    boolean lineStart = i == 0 || source.charAt(i - 1) == '\n';
    return lineStart ? i : end;
  }

  private String comment() {
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw error("expected #} at the end of a comment, found the end of the template");
    }
    at = end + 2;
    char mark = source.charAt(end - 1);
    return mark == '-' || mark == '+' ? String.valueOf(mark) : "";
  }

  private String tag(String kind) {
    boolean print = kind.equals("{");
    add(print ? Token.Kind.PRINT_BEGIN : Token.Kind.BLOCK_BEGIN, "{" + kind);
    String close = print ? "}}" : "%}";
    int depth = 0;
    while (true) {
      skipSpace();
      if (at >= source.length()) {
        throw error("expected " + close + ", found the end of the template");
      }
      char c = source.charAt(at);
      boolean marked = (c == '-' || c == '+') && source.startsWith(close, at + 1);
      if (depth == 0 && (marked || source.startsWith(close, at))) {
        add(Token.Kind.END, close);
        at += marked ? 3 : 2;
        return marked ? String.valueOf(c) : "";
      }
      depth += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
      expressionToken(c);
    }
  }

  private void skipSpace() {
    while (at < source.length() && Character.isWhitespace(source.charAt(at))) {
      at++;
    }
  }

  private void expressionToken(char c) {
    if (c == '"' || c == '\'') {
      string(c);
      return;
    }
    Matcher name = NAME.matcher(source).region(at, source.length());
    if (name.lookingAt()) {
      add(Token.Kind.NAME, name.group());
      at = name.end();
      return;
    }
    Matcher number = NUMBER.matcher(source).region(at, source.length());
    if (number.lookingAt()) {
      boolean real = number.group(2) != null || number.group(3) != null;
      add(real ? Token.Kind.FLOAT : Token.Kind.INTEGER, number.group().replace("_", ""));
      at = number.end();
      return;
    }
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        add(Token.Kind.OPERATOR, operator);
        at += operator.length();
        return;
      }
    }
    throw error("expected an expression, found '" + c + "'");
  }

  private void string(char quote) {
    StringBuilder out = new StringBuilder();
    int i = at + 1;
    while (i < source.length() && source.charAt(i) != quote) {
      char c = source.charAt(i++);
      if (c == '\\' && i < source.length()) {
        i = escape(source.charAt(i), i + 1, out);
      } else {
        out.append(c);
      }
    }
    if (i >= source.length()) {
      throw error("expected " + quote + " at the end of a string, found the end of the template");
    }
    add(Token.Kind.STRING, out.toString());
    at = i + 1;
  }

  /** Python's escapes; {@code i} is behind the escaped character. */
  private int escape(char c, int i, StringBuilder out) {
    switch (c) {
      case 'n' -> out.append('\n');
      case 't' -> out.append('\t');
      case 'r' -> out.append('\r');
      case '\n' -> {}
      case '\\', '\'', '"' -> out.append(c);
      case 'x' -> {
        return hex(i, 2, out);
      }
      case 'u' -> {
        return hex(i, 4, out);
      }
      default -> out.append('\\').append(c);
    }
    return i;
  }

  private int hex(int from, int digits, StringBuilder out) {
    try {
      out.append((char) Integer.parseInt(source.substring(from, from + digits), 16));
      return from + digits;
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw error("expected " + digits + " hexadecimal digits in a string");
    }
  }

  private void add(Token.Kind kind, String text) {
    tokens.add(new Token(kind, text, line()));
  }

  private int line() {
    for (; lineCounted < at && lineCounted < source.length(); lineCounted++) {
      if (source.charAt(lineCounted) == '\n') {
        line++;
      }
    }
    return line;
  }

  private TemplateException error(String message) {
    return new TemplateException("line " + line() + ": " + message);
  }
}
