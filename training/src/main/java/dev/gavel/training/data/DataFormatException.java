package dev.gavel.training.data;

import java.nio.file.Path;

/** Data that cannot be read; the message names file, line, what was expected and what was found. */
public final class DataFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param line counted from 1; 0 speaks of the whole file
   */
  public DataFormatException(Path file, long line, String message) {
    this(file, line, message, null);
  }

  public DataFormatException(Path file, long line, String message, Throwable cause) {
    super(place(file, line) + ": " + message, cause);
  }

  private static String place(Path file, long line) {
    return line > 0 ? file + " line " + line : file.toString();
  }
}
