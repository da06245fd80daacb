package dev.gavel.server.scheduling;

import java.util.List;

/** A request failed; the message says what was expected and what was found. */
public final class FaultException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * One broken rule.
   *
   * @param field as in the proto, for example {@code items[3].title}
   */
  public record Violation(String field, String description) implements java.io.Serializable {
    private static final long serialVersionUID = 1L;
  }

  private final Fault fault;
  private final List<Violation> violations;
  private final long retryMillis;

  private FaultException(
      Fault fault, String message, List<Violation> violations, long retryMillis, Throwable cause) {
    // Without a stack trace: refusals are everyday and must be cheap. A bug has it in its cause.
    super(message, cause, false, false);
    this.fault = fault;
    this.violations = List.copyOf(violations);
    this.retryMillis = retryMillis;
  }

  public static FaultException of(Fault fault, String message) {
    return new FaultException(fault, message, List.of(), 0, null);
  }

  public static FaultException of(Fault fault, String message, Throwable cause) {
    return new FaultException(fault, message, List.of(), 0, cause);
  }

  /** A fault that may pass: the caller may come back after {@code retryMillis}, at least 1. */
  public static FaultException retryable(Fault fault, String message, long retryMillis) {
    return new FaultException(fault, message, List.of(), Math.max(1, retryMillis), null);
  }

  /** A request that breaks rules, at least one. */
  public static FaultException invalid(List<Violation> violations) {
    Violation first = violations.get(0);
    String more = violations.size() > 1 ? " (and " + (violations.size() - 1) + " more)" : "";
    return new FaultException(
        Fault.INVALID_REQUEST,
        first.field() + ": " + first.description() + more,
        violations,
        0,
        null);
  }

  /** A request that breaks one rule. */
  public static FaultException invalid(String field, String description) {
    return invalid(List.of(new Violation(field, description)));
  }

  public Fault fault() {
    return fault;
  }

  /** The broken rules; empty unless INVALID_REQUEST. */
  public List<Violation> violations() {
    return violations;
  }

  /** When to come back, in milliseconds; 0 if there is no point. */
  public long retryMillis() {
    return retryMillis;
  }
}
