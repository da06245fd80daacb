package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.evaluation.ConfusionMatrix;
import dev.gavel.training.evaluation.Rates;
import dev.gavel.training.rollout.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The report of {@link SampleStage}: pass@k by grade, how often pairs are solved, confusion. */
final class SampleReport {
  private final List<Label> labels;
  private final List<List<boolean[]>> right = new ArrayList<>(); // [labels][pairs][samples]
  private final long[][] confusion;
  private final int each;
  private long samples;
  private long ended;

  private SampleReport(List<Label> labels, int each) {
    this.labels = labels;
    this.each = each;
    this.confusion = new long[labels.size()][labels.size()];
    labels.forEach(label -> right.add(new ArrayList<>()));
  }

  static Report of(
      SampleConfig config,
      RelevanceModel model,
      List<Judgment> pairs,
      Map<String, List<Sample>> samples) {
    SampleReport counts = new SampleReport(model.labels(), config.samples());
    for (Judgment pair : pairs) {
      List<Sample> own = samples.get(pair.id());
      if (own == null || own.size() != config.samples()) {
        throw new IllegalArgumentException(
            "pair "
                + pair.id()
                + ": expected "
                + config.samples()
                + " samples, found "
                + (own == null ? 0 : own.size()));
      }
      counts.add(GradeIndex.of(model.labels(), pair), own);
    }
    Report report = new Report("Samples of " + model.name());
    report.data("config", StageConfig.toJson(config));
    counts.passes(report);
    counts.groups(report);
    counts.confusion(report);
    return report;
  }

  private void add(int truth, List<Sample> own) {
    boolean[] correct = new boolean[own.size()];
    for (int i = 0; i < correct.length; i++) {
      correct[i] = own.get(i).label() == truth;
      confusion[truth][own.get(i).label()]++;
      ended += own.get(i).ended() ? 1 : 0;
    }
    samples += correct.length;
    right.get(truth).add(correct);
  }

  private List<boolean[]> all() {
    return right.stream().flatMap(List::stream).toList();
  }

  private void passes(Report report) {
    report.section("pass@k");
    report.text(
        "The probability that at least one of k responses has the right label, estimated without"
            + " bias from "
            + each
            + " responses to every pair.");
    List<String> header = new ArrayList<>(List.of("grade", "pairs"));
    for (int k = 1; k <= each; k++) {
      header.add("pass@" + k);
    }
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < labels.size(); i++) {
      if (!right.get(i).isEmpty()) {
        rows.add(row(labels.get(i).name(), right.get(i), data));
      }
    }
    rows.add(row("all", all(), data));
    report.table(header, rows);
    report.data("pass_at", data);
  }

  private List<String> row(String name, List<boolean[]> pairs, ObjectNode data) {
    List<String> row = new ArrayList<>(List.of(name, Integer.toString(pairs.size())));
    ArrayNode values = data.putArray(name);
    for (int k = 1; k <= each; k++) {
      double pass = Rates.passAt(k, pairs);
      values.add(pass);
      row.add(number(pass));
    }
    return row;
  }

  private void groups(Report report) {
    int[] counts = new int[each + 1];
    for (boolean[] pair : all()) {
      int count = 0;
      for (boolean correct : pair) {
        count += correct ? 1 : 0;
      }
      counts[count]++;
    }
    report.section("Right responses to a pair");
    List<String> header = new ArrayList<>(List.of("right"));
    List<String> row = new ArrayList<>(List.of("pairs"));
    ArrayNode data = JsonNodeFactory.instance.arrayNode();
    for (int i = 0; i <= each; i++) {
      header.add(Integer.toString(i));
      row.add(Integer.toString(counts[i]));
      data.add(counts[i]);
    }
    report.table(header, List.of(row));
    report.data("pairs_by_right", data);
  }

  private void confusion(Report report) {
    ConfusionMatrix matrix = ConfusionMatrix.of(confusion);
    report.section("Confusion");
    report.text(
        String.format(
            Locale.ROOT,
            "Rows are grades, columns drawn labels, over %d responses. Accuracy %s, macro-F1 %s;"
                + " %s of the responses came to their end.",
            samples,
            number(matrix.accuracy()),
            number(matrix.macroF1()),
            number(ended / (double) samples)));
    List<String> header = new ArrayList<>(List.of("grade"));
    labels.forEach(label -> header.add(label.name()));
    List<List<String>> rows = new ArrayList<>();
    ArrayNode data = JsonNodeFactory.instance.arrayNode();
    for (int i = 0; i < labels.size(); i++) {
      List<String> row = new ArrayList<>(List.of(labels.get(i).name()));
      ArrayNode counts = data.addArray();
      for (int j = 0; j < labels.size(); j++) {
        row.add(Long.toString(matrix.count(i, j)));
        counts.add(matrix.count(i, j));
      }
      rows.add(row);
    }
    report.table(header, rows);
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("accuracy", matrix.accuracy()).put("macro_f1", matrix.macroF1());
    json.put("ended", ended / (double) samples).set("confusion", data);
    report.data("samples", json);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }
}
