package dev.gavel.engine;

/**
 * How rotary frequencies are stretched beyond the trained context.
 *
 * @param kind order of {@code gavel.h}
 * @param factor LINEAR, LLAMA3: stretch factor
 * @param lowFrequencyFactor LLAMA3 only
 * @param highFrequencyFactor LLAMA3 only
 * @param originalPositions LLAMA3 only: trained context
 */
public record RopeScaling(
    Kind kind,
    double factor,
    double lowFrequencyFactor,
    double highFrequencyFactor,
    int originalPositions) {

  /** Known schemes. */
  public enum Kind {
    DEFAULT,
    LINEAR,
    LLAMA3
  }

  /** No stretching. */
  public static final RopeScaling NONE = new RopeScaling(Kind.DEFAULT, 1, 1, 1, 0);
}
