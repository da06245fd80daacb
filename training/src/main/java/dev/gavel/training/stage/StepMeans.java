package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a run's first and last steps came to, in the mean.
 *
 * @param steps their metrics
 */
record StepMeans(List<JsonNode> steps) {
  private static final int WINDOW = 20;

  /** Steps of each mean. */
  int window() {
    return Math.min(WINDOW, steps.size());
  }

  double first(String metric) {
    return mean(steps.subList(0, window()), metric);
  }

  double last(String metric) {
    return mean(steps.subList(steps.size() - window(), steps.size()), metric);
  }

  /** Over the steps that have it: nothing is sampled in later steps on one batch. */
  private static double mean(List<JsonNode> steps, String metric) {
    return steps.stream()
        .filter(each -> each.has(metric))
        .mapToDouble(each -> each.path(metric).asDouble())
        .average()
        .orElse(0);
  }

  /** Adds a table of those metrics that any step has, and their values to {@code json}. */
  void report(Report report, List<String> metrics, ObjectNode json) {
    List<List<String>> rows = new ArrayList<>();
    for (String metric : metrics) {
      if (steps.stream().anyMatch(each -> each.has(metric))) {
        json.put("first_" + metric, first(metric)).put("last_" + metric, last(metric));
        String name = metric.replace('_', ' ');
        rows.add(List.of(name, number(first(metric)), number(last(metric))));
      }
    }
    report.table(List.of("", "at the start", "at the end"), rows);
    report.data("training", json);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4g", value);
  }
}
