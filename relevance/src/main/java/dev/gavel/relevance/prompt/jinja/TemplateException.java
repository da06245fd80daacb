package dev.gavel.relevance.prompt.jinja;

/** A template that cannot be parsed or rendered; the message says why, with the line if known. */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final boolean raised;

  TemplateException(String message) {
    this(message, false);
  }

  TemplateException(String message, boolean raised) {
    super(message);
    this.raised = raised;
  }

  /** Whether the template itself refused its input by {@code raise_exception}. */
  public boolean raisedByTemplate() {
    return raised;
  }
}
