package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.teacher.LessonFilter.Reason;
import dev.gavel.training.teacher.endpoint.Budget;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/** Counts what {@link TeachStage} does, and says so: who taught, what was rejected, examples. */
final class TeachReport {
  private static final int EXAMPLES = 3;
  private static final int FAILURES_SHOWN = 3;

  private final RelevanceModel model;
  private final Budget budget;
  private final Map<String, Integer> byTeacher = new TreeMap<>();
  private final Map<Reason, Integer> rejected = new EnumMap<>(Reason.class);
  private final List<List<Judgment>> examples = new ArrayList<>(); // [labels], then unjudged
  private final int[] byLabel;
  private final List<String> failures = new ArrayList<>();
  private int asked;
  private int given;
  private int silent;
  private int failed;
  private int unasked;
  private int taught;
  private long tokens;
  private int tokensMost;
  private String stopped = "";

  TeachReport(RelevanceModel model, Budget budget) {
    this.model = model;
    this.budget = budget;
    this.byLabel = new int[model.labels().size() + 1];
    for (int i = 0; i < byLabel.length; i++) {
      examples.add(new ArrayList<>());
    }
  }

  /** Counts what came of a pair. */
  void count(Classroom.Outcome outcome) {
    asked++;
    if (outcome.given()) {
      given++;
    } else if (outcome.lesson().isPresent()) {
      byTeacher.merge(outcome.teacher(), 1, Integer::sum);
    } else if (!outcome.stopped().isEmpty()) {
      unasked++;
      stopped = outcome.stopped();
    } else if (!outcome.failure().isEmpty()) {
      failed++;
      if (failures.size() < FAILURES_SHOWN) {
        failures.add(outcome.failure());
      }
    } else {
      silent++;
    }
  }

  /** Counts a lesson that was rejected. */
  void rejected(Reason reason) {
    rejected.merge(reason, 1, Integer::sum);
  }

  /** Counts a pair that was written with its lesson. */
  void taught(Judgment pair, OptionalInt judged) {
    int label = judged.orElse(byLabel.length - 1);
    int length = model.tokenize(pair.rationale()).length;
    taught++;
    tokens += length;
    tokensMost = Math.max(tokensMost, length);
    byLabel[label]++;
    if (examples.get(label).size() < EXAMPLES) {
      examples.get(label).add(pair);
    }
  }

  /** Pairs written with a lesson. */
  int taught() {
    return taught;
  }

  /** Why a teacher stopped. */
  Optional<String> stopped() {
    return Optional.of(stopped).filter(reason -> !reason.isEmpty());
  }

  private double meanTokens() {
    return taught == 0 ? 0 : tokens / (double) taught;
  }

  Report toReport() {
    Report report = new Report("Taught pairs");
    report.section("Pairs");
    stopped().ifPresent(why -> report.text("**Stopped early:** " + why + "."));
    report.table(List.of("pairs", "count"), counts());
    report.text(
        String.format(
            Locale.ROOT,
            "A rationale has %.1f tokens on average, %d at most.",
            meanTokens(),
            tokensMost));
    report.section("Filters").table(List.of("rejected for", "count"), rejections());
    if (budget.requests() > 0) {
      report.section("Endpoint");
      report.text(budget.requests() + " requests, " + budget.tokens() + " tokens in this run.");
    }
    if (!failures.isEmpty()) {
      report.section("Failures");
      failures.forEach(failure -> report.text("`" + failure.replace('`', '\'') + "`"));
    }
    examples(report);
    return report.data("teach", data());
  }

  private List<List<String>> counts() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(row("read", asked));
    rows.add(row("kept their rationale", given));
    byTeacher.forEach((name, count) -> rows.add(row("answered by " + name, count)));
    rows.add(row("no teacher had anything to say", silent));
    rows.add(row("failed", failed));
    rows.add(row("not asked any more", unasked));
    rows.add(row("taught", taught));
    for (int i = 0; i < byLabel.length; i++) {
      rows.add(row("taught, " + name(i), byLabel[i]));
    }
    return rows;
  }

  private List<List<String>> rejections() {
    List<List<String>> rows = new ArrayList<>();
    for (Reason reason : Reason.values()) {
      rows.add(row(reason.written(), rejected.getOrDefault(reason, 0)));
    }
    return rows;
  }

  private static List<String> row(String name, int count) {
    return List.of(name, Integer.toString(count));
  }

  private String name(int label) {
    List<Label> labels = model.labels();
    return label < labels.size() ? labels.get(label).name() : "not judged";
  }

  private void examples(Report report) {
    report.section("Examples");
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      for (Judgment pair : examples.get(i)) {
        rows.add(List.of(name(i), pair.query(), pair.item().title(), pair.rationale()));
      }
    }
    report.table(List.of("judged", "query", "title", "rationale"), rows);
  }

  private ObjectNode data() {
    ObjectNode out = JsonNodeFactory.instance.objectNode();
    out.put("pairs", asked).put("given", given).put("silent", silent).put("failed", failed);
    out.put("unasked", unasked).put("taught", taught);
    out.put("complete", stopped.isEmpty()).put("stopped", stopped);
    byTeacher.forEach(out.putObject("teachers")::put);
    ObjectNode reasons = out.putObject("rejected");
    for (Reason reason : Reason.values()) {
      reasons.put(reason.written().replace(' ', '_'), rejected.getOrDefault(reason, 0));
    }
    ObjectNode labels = out.putObject("labels");
    for (int i = 0; i < byLabel.length; i++) {
      labels.put(name(i), byLabel[i]);
    }
    out.put("mean_tokens", meanTokens()).put("most_tokens", tokensMost);
    out.put("requests", budget.requests()).put("tokens", budget.tokens());
    return out;
  }
}
