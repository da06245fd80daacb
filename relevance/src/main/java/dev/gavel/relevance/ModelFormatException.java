package dev.gavel.relevance;

/**
 * A model directory that cannot be served; the message names the file, what was expected, found.
 */
public final class ModelFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ModelFormatException(String file, String message) {
    super(file + ": " + message);
  }

  public ModelFormatException(String file, String message, Throwable cause) {
    super(file + ": " + message, cause);
  }
}
