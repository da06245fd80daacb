package dev.gavel.training.comparison;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import dev.gavel.training.evaluation.Bootstrap;
import java.util.List;
import java.util.Locale;

/** What {@code gavel compare --json} prints. A value that does not exist is null. */
public final class ComparisonJson {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final Comparison comparison;

  private ComparisonJson(Comparison comparison) {
    this.comparison = comparison;
  }

  /** The whole comparison. */
  public static ObjectNode of(Comparison comparison) {
    return new ComparisonJson(comparison).json();
  }

  private ObjectNode json() {
    ObjectNode json = NODES.objectNode();
    json.put("n", comparison.pairs()).put("queries", comparison.queries());
    ObjectNode metrics = json.putObject("metrics");
    comparison
        .metrics()
        .forEach(table -> metrics.set(key(table.rules().name()), rows(table.rows())));
    ObjectNode verdicts = json.putObject("gsb");
    comparison.verdicts().forEach(each -> verdicts.set(key(each.name()), gsb(each)));
    ArrayNode pages = json.putArray("pages");
    comparison.pages().forEach(table -> pages.add(pages(table)));
    comparison.judgeAccuracy().ifPresent(value -> json.put("judge_accuracy", finite(value)));
    json.set("changes", changes(comparison.changes()));
    return json;
  }

  /** A name as a key: "Query Goodrate" is query_goodrate. */
  private static String key(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
  }

  private static ObjectNode rows(List<Versus> rows) {
    ObjectNode json = NODES.objectNode();
    for (Versus row : rows) {
      ObjectNode own = json.putObject(key(row.name()));
      own.set("base", interval(row.base()));
      own.set("model", interval(row.model()));
      own.set("difference", interval(row.difference()));
    }
    return json;
  }

  private static ObjectNode interval(Bootstrap.Interval interval) {
    return NODES
        .objectNode()
        .put("value", finite(interval.value()))
        .put("low", finite(interval.low()))
        .put("high", finite(interval.high()));
  }

  private static ObjectNode gsb(SideBySide contest) {
    ObjectNode json = NODES.objectNode();
    json.put("wins", contest.wins()).put("same", contest.same()).put("losses", contest.losses());
    json.set("gsb", interval(contest.gsb()));
    return json;
  }

  private static ObjectNode pages(PageTable table) {
    ObjectNode json = NODES.objectNode();
    json.put("judge", table.judge()).put("length", table.length()).put("cut", table.cut());
    json.set("metrics", rows(table.rows()));
    ObjectNode contests = json.putObject("gsb");
    table.contests().forEach(each -> contests.set(key(each.name()), gsb(each)));
    return json;
  }

  private ObjectNode changes(Changes changes) {
    ObjectNode json = NODES.objectNode();
    json.put("changed", changes.changed().size());
    json.put("better", changes.better()).put("worse", changes.worse());
    ArrayNode matrix = json.putArray("counts");
    for (long[] row : changes.counts()) {
      ArrayNode counts = matrix.addArray();
      for (long count : row) {
        counts.add(count);
      }
    }
    list(json.putArray("pairs"), changes.changed());
    list(json.putArray("regressions"), changes.regressions());
    list(json.putArray("gains"), changes.gains());
    return json;
  }

  private void list(ArrayNode array, List<Changes.Change> changes) {
    List<Label> labels = comparison.labels();
    for (Changes.Change change : changes) {
      Pair pair = change.pair();
      array
          .addObject()
          .put("id", pair.id())
          .put("query", pair.query())
          .put("title", pair.title())
          .put("judged", labels.get(pair.truth()).name())
          .put("base", labels.get(change.base()).name())
          .put("model", labels.get(change.model()).name())
          .put("base_probability", pair.base().probabilities()[pair.truth()])
          .put("model_probability", pair.model().probabilities()[pair.truth()]);
    }
  }

  private static Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }
}
