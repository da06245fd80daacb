package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.dpo.Preference;
import dev.gavel.training.dpo.PreferenceBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** The report of {@link DpoStage}. */
final class DpoReport {
  private static final List<String> METRICS =
      List.of("loss", "preference_accuracy", "margin", "chosen_reward", "rejected_reward");

  private DpoReport() {}

  static Report of(
      DpoConfig config,
      RelevanceModel base,
      PreferenceBuilder.Built built,
      List<JsonNode> metrics) {
    Report report = new Report("Preference optimization of " + base.name());
    report.data("config", StageConfig.toJson(config));
    pairs(report, built.counts());
    preferences(report, base, built.preferences());
    training(report, metrics.stream().filter(each -> each.has("loss")).toList());
    SftReport.dev(report, metrics.stream().filter(ModelRun::isDev).toList());
    return report;
  }

  private static void pairs(Report report, PreferenceBuilder.Counts counts) {
    report.section("Pairs");
    List<List<String>> rows = new ArrayList<>();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    row(
        rows,
        json,
        "some samples right: self-correction",
        "self_correction",
        counts.selfCorrection());
    row(rows, json, "none right: the teacher's answer", "oracle", counts.oracle());
    row(rows, json, "none right and no rationale: dropped", "no_teacher", counts.noTeacher());
    row(rows, json, "all right: dropped", "all_right", counts.allRight());
    row(rows, json, "without samples", "unsampled", counts.unsampled());
    row(rows, json, "all", "pairs", counts.pairs());
    report.table(List.of("pairs", "count"), rows);
    report.data("pairs", json);
  }

  private static void row(
      List<List<String>> rows, ObjectNode json, String text, String key, int count) {
    rows.add(List.of(text, Integer.toString(count)));
    json.put(key, count);
  }

  private static void preferences(
      Report report, RelevanceModel base, List<Preference> preferences) {
    report.section("Preferences");
    List<String> header = new ArrayList<>(List.of("kind"));
    base.labels().forEach(label -> header.add(label.name()));
    List<List<String>> rows = new ArrayList<>();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    for (Preference.Kind kind : Preference.Kind.values()) {
      String name = kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
      List<Long> counts =
          IntStream.range(0, base.labels().size())
              .mapToObj(
                  i ->
                      preferences.stream()
                          .filter(each -> each.kind() == kind && each.truth() == i)
                          .count())
              .toList();
      List<String> row = new ArrayList<>(List.of(name));
      counts.forEach(count -> row.add(Long.toString(count)));
      counts.forEach(json.withArray(name)::add);
      rows.add(row);
    }
    report.table(header, rows);
    report.data("preferences", json);
  }

  private static void training(Report report, List<JsonNode> steps) {
    report.section("Training");
    StepMeans means = new StepMeans(steps);
    report.text(steps.size() + " steps; means over " + means.window() + " of them.");
    means.report(report, METRICS, JsonNodeFactory.instance.objectNode().put("steps", steps.size()));
  }
}
