package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.RelevanceModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The report of {@link GrpoStage}. */
final class GrpoReport {
  /** What steps came to is reported as a mean over as many of them. */
  private static final int WINDOW = 20;

  private static final List<String> METRICS =
      List.of(
          "reward",
          "right_share",
          "kept_share",
          "all_right_share",
          "all_wrong_share",
          "refills",
          "label_variation",
          "loss",
          "kl",
          "clipped_share",
          "ratio_deviation",
          "entropy",
          "response_tokens",
          "rollout_tokens_per_second",
          "training_tokens_per_second");

  private GrpoReport() {}

  static Report of(GrpoConfig config, RelevanceModel base, GrpoPool pool, List<JsonNode> metrics) {
    Report report = new Report("Reinforcement learning of " + base.name());
    report.data("config", StageConfig.toJson(config));
    pairs(report, config, base, pool);
    List<JsonNode> steps = metrics.stream().filter(each -> each.has("loss")).toList();
    training(report, steps);
    SftReport.dev(report, metrics.stream().filter(ModelRun::isDev).toList());
    return report;
  }

  private static void pairs(Report report, GrpoConfig config, RelevanceModel base, GrpoPool pool) {
    report.section("Pairs");
    int labels = base.labels().size();
    long[] all = new long[labels];
    Arrays.stream(pool.labels()).forEach(label -> all[label]++);
    List<String> header =
        Stream.concat(Stream.of(""), base.labels().stream().map(Label::name)).toList();
    report.table(header, List.of(row("pairs", all), row("of an epoch", pool.counts(labels))));
    report.text(
        String.format(
            Locale.ROOT,
            "%d pairs of %d%s. Coefficient of variation of the labels in an epoch: %.3f (%s).",
            pool.pairs().size(),
            pool.read(),
            config.difficulty() == null ? "" : ", kept by difficulty",
            pool.variation(),
            config.balanced() ? "balanced" : "as the data has them"));
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("read", pool.read()).put("kept", pool.pairs().size());
    report.data("pairs", json.put("label_variation", pool.variation()));
  }

  private static List<String> row(String name, long[] counts) {
    return Stream.concat(Stream.of(name), Arrays.stream(counts).mapToObj(Long::toString)).toList();
  }

  private static void training(Report report, List<JsonNode> steps) {
    report.section("Training");
    int window = Math.min(WINDOW, steps.size());
    double dropped =
        steps.stream().mapToDouble(each -> each.path("dropped_groups").asDouble()).sum();
    report.text(
        String.format(
            Locale.ROOT,
            "%d steps; means over %d of them. %.0f groups were sampled and kept, but not used before"
                + " the policy changed.",
            steps.size(),
            window,
            dropped));
    List<List<String>> rows = new ArrayList<>();
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("steps", steps.size());
    json.put("dropped_groups", dropped);
    for (String metric : METRICS) {
      if (steps.stream().anyMatch(each -> each.has(metric))) {
        double first = mean(steps.subList(0, window), metric);
        double last = mean(steps.subList(steps.size() - window, steps.size()), metric);
        json.put("first_" + metric, first).put("last_" + metric, last);
        rows.add(List.of(metric.replace('_', ' '), number(first), number(last)));
      }
    }
    report.table(List.of("", "at the start", "at the end"), rows);
    report.data("training", json);
  }

  /** Over the steps that have it: nothing is sampled in later steps on one batch. */
  private static double mean(List<JsonNode> steps, String key) {
    return steps.stream()
        .filter(each -> each.has(key))
        .mapToDouble(each -> each.path(key).asDouble())
        .average()
        .orElse(0);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4g", value);
  }
}
