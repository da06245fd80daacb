package dev.gavel.training.run;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

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

  /** One line: {@code step 7: loss 0.1234, epoch 2}. */
  public String toText() {
    return values.entrySet().stream()
        .map(entry -> String.format(Locale.ROOT, "%s %.4g", entry.getKey(), entry.getValue()))
        .collect(Collectors.joining(", ", "step " + step + ": ", ""));
  }

  /** Adds a value. */
  public StepMetrics with(String name, double value) {
    Map<String, Double> more = new LinkedHashMap<>(values);
    more.put(name, value);
    return new StepMetrics(step, more);
  }
}
