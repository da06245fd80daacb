package dev.gavel.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;

/** Order statistics of measured times, by nearest rank: every value shown was measured. */
public final class Percentiles {
  private final double[] sorted;

  /**
   * @param values at least one
   */
  public Percentiles(double[] values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("expected at least one value, found none");
    }
    sorted = values.clone();
    Arrays.sort(sorted);
  }

  /** The smallest value that {@code percent} of all values do not exceed. */
  public double at(double percent) {
    int rank = (int) Math.ceil(percent / 100 * sorted.length);
    return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1];
  }

  public double median() {
    return at(50);
  }

  /** Adds median and extremes to {@code node}, and returns it. */
  ObjectNode putTo(ObjectNode node) {
    return node.put("median", median()).put("min", at(0)).put("max", at(100));
  }
}
