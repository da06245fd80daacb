package dev.gavel.training.teacher;

/** The teacher will answer no more, such as at the end of its budget. What it answered is kept. */
public final class TeachingStoppedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TeachingStoppedException(String message) {
    super(message);
  }
}
