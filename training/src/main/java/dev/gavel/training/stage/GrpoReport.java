package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.RelevanceModel;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The report of {@link GrpoStage}. */
final class GrpoReport {
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
    StepMeans means = new StepMeans(steps);
    double dropped =
        steps.stream().mapToDouble(each -> each.path("dropped_groups").asDouble()).sum();
    report.text(
        String.format(
            Locale.ROOT,
            "%d steps; means over %d of them. %.0f groups were sampled and kept, but not used before"
                + " the policy changed.",
            steps.size(),
            means.window(),
            dropped));
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("steps", steps.size());
    means.report(report, METRICS, json.put("dropped_groups", dropped));
  }
}
