package dev.gavel.training.data;

import dev.gavel.relevance.TextLines;
import java.io.IOException;
import java.nio.file.Path;

/** Lines of a text file, plain or gzipped, with errors that name the file and the line. */
final class LineReader implements AutoCloseable {
  private final Path file;
  private final TextLines lines;

  /**
   * @throws DataFormatException if the file cannot be read
   */
  LineReader(Path file) {
    this.file = file;
    try {
      this.lines = TextLines.open(file);
    } catch (TextLines.UnreadableException e) {
      throw unreadable(e);
    }
  }

  /** The next line without its end, or null. */
  String next() {
    try {
      return lines.next();
    } catch (TextLines.UnreadableException e) {
      throw unreadable(e);
    }
  }

  private DataFormatException unreadable(TextLines.UnreadableException e) {
    return new DataFormatException(file, e.line(), e.getMessage(), e);
  }

  Path file() {
    return file;
  }

  /** Number of the line that {@link #next} returned last, from 1. */
  long line() {
    return lines.line();
  }

  DataFormatException error(String message) {
    return error(message, null);
  }

  DataFormatException error(String message, Throwable cause) {
    return new DataFormatException(file, line(), message, cause);
  }

  @Override
  public void close() {
    try {
      lines.close();
    } catch (IOException e) {
      throw error("expected to close, found " + e, e);
    }
  }
}
