package dev.gavel.relevance;

/** A request that breaks a rule of the model; the message names what was expected and found. */
public final class InvalidRequestException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final String field;

  /**
   * @param field the request's field, as in the proto: {@code query}, {@code items[3].title}
   */
  public InvalidRequestException(String field, String message) {
    super(message);
    this.field = field;
  }

  public String field() {
    return field;
  }
}
