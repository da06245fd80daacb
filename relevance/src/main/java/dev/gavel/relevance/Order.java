package dev.gavel.relevance;

/** In which order label and reasoning are generated (TaoSR1, section on CoT orders). */
public enum Order {
  /** Respond-then-think: the verdict from the prefill alone, then the reasoning. */
  LABEL_FIRST,
  /** Think-then-respond: the reasoning, then the verdict at its end. */
  THINK_FIRST
}
