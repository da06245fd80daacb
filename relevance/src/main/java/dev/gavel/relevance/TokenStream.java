package dev.gavel.relevance;

/**
 * Turns generated tokens into text piece by piece and ends at the first stop text. One per
 * reasoning path; not thread-safe.
 */
public interface TokenStream {
  /**
   * Adds a token.
   *
   * @return the text that became certain: complete characters that no stop text can still swallow;
   *     often empty
   */
  String push(int token);

  /** Whether a stop text was met; nothing after it is ever returned. */
  boolean stopped();

  /** The text held back, at the end of generation; empty where {@link #stopped}. */
  String flush();
}
