package dev.gavel.training.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Rows of a delimited file with a header, quoted as in RFC 4180: a field that begins with a quote
 * ends at the next single quote, holds separators and line ends, and doubled quotes stand for one.
 */
final class DelimitedReader implements AutoCloseable {
  private final LineReader lines;
  private final char separator;
  private final List<String> header;
  private final Map<String, Integer> columns = new HashMap<>();

  /** One row; absent and empty fields are the same. */
  final class Row {
    private final List<String> fields;
    private final long line;

    private Row(List<String> fields, long line) {
      this.fields = fields;
      this.line = line;
    }

    /** The field of a column, trimmed; the column is there. */
    String get(String column) {
      return fields.get(columns.get(column)).strip();
    }

    /** The same, or empty where the file has no such column. */
    String optional(String column) {
      return columns.containsKey(column) ? get(column) : "";
    }

    /** The field of a column, never empty. */
    String required(String column) {
      String value = get(column);
      if (value.isEmpty()) {
        throw error(column + ": expected a text, found nothing");
      }
      return value;
    }

    /** Number of the row's first line, from 1. */
    long line() {
      return line;
    }

    DataFormatException error(String message) {
      return new DataFormatException(lines.file(), line, message);
    }
  }

  /**
   * Opens a file and reads its header.
   *
   * @param needed columns without which there is no use in reading on
   */
  DelimitedReader(Path file, char separator, String... needed) {
    this.lines = new LineReader(file);
    this.separator = separator;
    try {
      Row first = next(-1);
      if (first == null) {
        throw lines.error("expected a header, found nothing");
      }
      header = first.fields.stream().map(String::strip).toList();
      for (int i = 0; i < header.size(); i++) {
        columns.put(header.get(i), i);
      }
      for (String column : needed) {
        if (!columns.containsKey(column)) {
          throw first.error("expected a column " + column + ", found " + header);
        }
      }
    } catch (RuntimeException e) {
      lines.close();
      throw e;
    }
  }

  /** Whether the file has such a column. */
  boolean has(String column) {
    return columns.containsKey(column);
  }

  /** The next row, or null at the end. */
  Row next() {
    return next(header.size());
  }

  private Row next(int width) {
    String text = lines.next();
    while (text != null && text.isEmpty()) {
      text = lines.next();
    }
    if (text == null) {
      return null;
    }
    long start = lines.line();
    Row row = new Row(split(text), start);
    if (width >= 0 && row.fields.size() != width) {
      throw row.error("expected " + width + " fields, found " + row.fields.size());
    }
    return row;
  }

  /** Where the reader stands within a row that may span lines. */
  private final class Cursor {
    private final long start = lines.line();
    private String text;
    private int at;

    Cursor(String text) {
      this.text = text;
    }

    boolean atEnd() {
      return at >= text.length();
    }

    /** Everything up to the next separator, which is not taken. */
    String plain() {
      int from = at;
      int end = text.indexOf(separator, at);
      at = end < 0 ? text.length() : end;
      return text.substring(from, at);
    }

    /** A field whose opening quote is next. */
    String quoted() {
      StringBuilder field = new StringBuilder();
      do {
        at++; // the opening quote, or the second of a doubled one
        for (int quote = text.indexOf('"', at); quote < 0; quote = text.indexOf('"', at)) {
          field.append(text, at, text.length()).append('\n');
          nextLine();
        }
        int quote = text.indexOf('"', at);
        field.append(text, at, quote);
        at = quote + 1;
        if (!atEnd() && text.charAt(at) == '"') {
          field.append('"');
        }
      } while (!atEnd() && text.charAt(at) == '"');
      return field.append(plain()).toString();
    }

    private void nextLine() {
      text = lines.next();
      at = 0;
      if (text == null) {
        throw new DataFormatException(
            lines.file(), start, "expected a closing quote, found the end of the file");
      }
    }
  }

  private List<String> split(String first) {
    List<String> fields = new ArrayList<>();
    Cursor cursor = new Cursor(first);
    while (true) {
      boolean quoted = !cursor.atEnd() && cursor.text.charAt(cursor.at) == '"';
      fields.add(quoted ? cursor.quoted() : cursor.plain());
      if (cursor.atEnd()) {
        return fields;
      }
      cursor.at++; // the separator
    }
  }

  @Override
  public void close() {
    lines.close();
  }
}
