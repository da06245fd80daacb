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

/** The report of {@link SftStage}. */
final class SftReport {
  private SftReport() {}

  static Report of(
      SftConfig config, RelevanceModel base, SftExamples examples, List<JsonNode> metrics) {
    Report report = new Report("Supervised fine-tuning of " + base.name());
    report.data("config", StageConfig.toJson(config));
    data(report, base, examples);
    List<JsonNode> steps = metrics.stream().filter(each -> each.has("loss")).toList();
    training(report, config, steps);
    dev(report, metrics.stream().filter(ModelRun::isDev).toList());
    return report;
  }

  private static void data(Report report, RelevanceModel base, SftExamples examples) {
    report.section("Data");
    List<String> header = new ArrayList<>(List.of("file", "kind", "weight", "repeat", "rows"));
    header.add("with reasoning");
    base.labels().stream().map(Label::name).forEach(header::add);
    List<List<String>> rows = new ArrayList<>();
    for (SftExamples.FileCounts counts : examples.files()) {
      List<String> row = new ArrayList<>();
      row.add(counts.file().path().toString());
      row.add(counts.file().kind().name().toLowerCase(Locale.ROOT));
      row.add(number(counts.file().weight()));
      row.add(Integer.toString(counts.file().repeat()));
      row.add(Integer.toString(counts.rows()));
      row.add(Integer.toString(counts.reasoned()));
      Arrays.stream(counts.labels()).mapToObj(Long::toString).forEach(row::add);
      rows.add(row);
    }
    report.table(header, rows);
  }

  private static void training(Report report, SftConfig config, List<JsonNode> steps) {
    report.section("Training");
    StepMeans means = new StepMeans(steps);
    double first = means.first("loss");
    double last = means.last("loss");
    double tokens = steps.stream().mapToDouble(each -> each.path("tokens").asDouble()).sum();
    double seconds =
        steps.stream()
            .mapToDouble(
                each -> each.path("tokens").asDouble() / each.path("tokens_per_second").asDouble(1))
            .sum();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("steps", steps.size()).put("tokens", (long) tokens).put("seconds", seconds);
    json.put("first_loss", first).put("last_loss", last);
    report.data("training", json);
    report.text(
        String.format(
            Locale.ROOT,
            "%d epochs, %d steps, %.0f tokens at %.0f tokens/s. Loss, a mean over %d steps: %.4f at"
                + " the start, %.4f at the end.",
            config.epochs(),
            steps.size(),
            tokens,
            tokens / seconds,
            means.window(),
            first,
            last));
  }

  static void dev(Report report, List<JsonNode> evaluations) {
    if (evaluations.isEmpty()) {
      return;
    }
    report.section("Development set");
    List<List<String>> rows = new ArrayList<>();
    for (JsonNode each : evaluations) {
      boolean averaged = each.has("averaged_dev_macro_f1");
      String prefix = averaged ? "averaged_dev_" : "dev_";
      rows.add(
          List.of(
              each.path("step").asInt() + (averaged ? ", averaged" : ""),
              number(each.path(prefix + "macro_f1").asDouble()),
              number(each.path(prefix + "qwk").asDouble()),
              number(each.path(prefix + "accuracy").asDouble()),
              number(each.path(prefix + "nll").asDouble())));
    }
    report.table(List.of("step", "macro-F1", "QWK", "accuracy", "NLL"), rows);
    report.data("dev", evaluations.get(evaluations.size() - 1));
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4g", value);
  }
}
