package dev.gavel.training.teacher;

/**
 * A pair about which a teacher could not be heard; the message says what was expected and found.
 */
public final class TeacherException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TeacherException(String message) {
    super(message);
  }

  public TeacherException(String message, Throwable cause) {
    super(message, cause);
  }
}
