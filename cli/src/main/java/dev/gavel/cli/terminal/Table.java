package dev.gavel.cli.terminal;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Rows of cells under a header; one column gives way when the terminal is narrow. */
public final class Table {
  private static final String GAP = "  ";
  private static final int FLEXIBLE_MIN = 12;

  private final List<String> header;
  private final int flexible;
  private final List<List<Cell>> rows = new ArrayList<>();
  private int indent;

  /**
   * @param flexible index of the column that is shortened to fit the terminal
   * @param header one title a column
   */
  public Table(int flexible, String... header) {
    this.flexible = flexible;
    this.header = List.of(header);
  }

  /** Blanks before every line. */
  public Table indent(int blanks) {
    indent = blanks;
    return this;
  }

  /** Adds a row of as many cells as the header has. */
  public Table row(Cell... cells) {
    if (cells.length != header.size()) {
      throw new IllegalArgumentException(
          "expected " + header.size() + " cells, found " + cells.length);
    }
    rows.add(List.of(cells));
    return this;
  }

  /** Lines without a newline, none wider than the terminal where the other columns allow it. */
  public List<String> lines(Terminal terminal) {
    List<List<Cell>> all = new ArrayList<>();
    all.add(header.stream().map(title -> Cell.of(title, Style.DIM)).toList());
    all.addAll(rows);
    int[] widths =
        IntStream.range(0, header.size())
            .map(column -> all.stream().mapToInt(row -> row.get(column).width()).max().orElse(0))
            .toArray();
    int gaps = indent + GAP.length() * (header.size() - 1);
    int others = IntStream.of(widths).sum() - widths[flexible] + gaps;
    widths[flexible] =
        Math.min(widths[flexible], Math.max(FLEXIBLE_MIN, terminal.columns() - others));
    return all.stream().map(row -> line(row, widths, terminal)).toList();
  }

  private String line(List<Cell> row, int[] widths, Terminal terminal) {
    StringBuilder line = new StringBuilder(" ".repeat(indent));
    for (int column = 0; column < row.size(); column++) {
      Cell cell = row.get(column).fit(widths[column]);
      line.append(cell.render(terminal));
      if (column < row.size() - 1) {
        line.append(" ".repeat(widths[column] - cell.width())).append(GAP);
      }
    }
    return line.toString();
  }

  public void print(Terminal terminal) {
    lines(terminal).forEach(terminal.out()::println);
  }
}
