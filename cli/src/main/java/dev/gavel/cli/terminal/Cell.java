package dev.gavel.cli.terminal;

import java.util.ArrayList;
import java.util.List;

/** Content of a table's cell: pieces of text, each in a style or in none (null). */
public record Cell(List<Span> spans) {
  /** A piece of text in a style; null is plain. */
  public record Span(String text, Style style) {
    /** Control characters, which could move the cursor, become blanks. */
    public Span {
      text = text.replaceAll("\\p{Cntrl}+", " ");
    }
  }

  public Cell {
    spans = List.copyOf(spans);
  }

  public static Cell of(String text) {
    return of(text, null);
  }

  public static Cell of(String text, Style style) {
    return new Cell(List.of(new Span(text, style)));
  }

  int width() {
    return spans.stream().mapToInt(span -> DisplayWidth.of(span.text())).sum();
  }

  /** The cell within {@code cells}. */
  Cell fit(int cells) {
    List<Span> fitted = new ArrayList<>();
    int left = cells;
    for (Span span : spans) {
      String text = DisplayWidth.fit(span.text(), left);
      fitted.add(new Span(text, span.style()));
      left -= DisplayWidth.of(text);
      if (!text.equals(span.text())) {
        break;
      }
    }
    return new Cell(fitted);
  }

  /** With the escape sequences of its styles, where the terminal has colour. */
  public String render(Terminal terminal) {
    StringBuilder line = new StringBuilder();
    for (Span span : spans) {
      line.append(span.style() == null ? span.text() : terminal.styled(span.style(), span.text()));
    }
    return line.toString();
  }
}
