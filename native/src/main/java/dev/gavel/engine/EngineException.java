package dev.gavel.engine;

/** The engine refused or failed a call; the message names what was expected and what was found. */
public final class EngineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Statuses of the native seam, in the order of {@code gavel.h}; index 0 (OK) is never thrown. */
  public enum Code {
    OK,
    INVALID_ARGUMENT,
    FAILED_PRECONDITION,
    RESOURCE_EXHAUSTED,
    CANCELLED,
    UNAVAILABLE,
    INTERNAL
  }

  private final Code code;

  public EngineException(Code code, String message) {
    super(message);
    this.code = code;
  }

  public Code code() {
    return code;
  }
}
