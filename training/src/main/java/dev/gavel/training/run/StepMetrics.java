package dev.gavel.training.run;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a step came to.
 *
 * @param step from 1
 * @param values by name, such as {@code loss}; order is kept
 */
public record StepMetrics(int step, Map<String, Double> values) {
  public StepMetrics {
    values = new LinkedHashMap<>(values);
  }

  public StepMetrics(int step) {
    this(step, Map.of());
  }

  /** Adds a value. */
  public StepMetrics with(String name, double value) {
    Map<String, Double> more = new LinkedHashMap<>(values);
    more.put(name, value);
    return new StepMetrics(step, more);
  }
}
