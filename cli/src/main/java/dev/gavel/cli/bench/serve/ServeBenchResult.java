package dev.gavel.cli.bench.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.cli.terminal.Cell;
import dev.gavel.cli.terminal.Table;
import dev.gavel.cli.terminal.Terminal;
import dev.gavel.v1.ModelVersion;
import java.util.List;
import java.util.Locale;

/**
 * What was measured.
 *
 * @param tokens of one pair, as the server counted them
 * @param phases idle, capacity, then each rate
 */
record ServeBenchResult(
    ModelVersion model,
    RequestShape shape,
    TextLengths.Tokens tokens,
    List<PhaseResult> phases,
    long seed) {

  /** The object of {@code bench serve --json}. */
  ObjectNode toJson() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("model", model.getName());
    node.put("version", model.getVersion());
    node.put("quantization", model.getQuantization());
    node.put("device", model.getDevice());
    node.put("prefix_tokens", tokens.prefix());
    node.put("item_tokens", tokens.item());
    node.put("query_tokens_wanted", shape.queryTokens());
    node.put("item_tokens_wanted", shape.itemTokens());
    node.put("items", shape.items());
    node.put("hot_queries", shape.hotQueries());
    node.put("hot_items", shape.hotItems());
    node.put("seed", seed);
    ArrayNode all = node.putArray("phases");
    phases.forEach(phase -> all.add(phase.toJson()));
    return node;
  }

  /** A table for people. */
  void print(Terminal terminal) {
    terminal
        .out()
        .printf(
            Locale.ROOT,
            "%s %s, %s on %s: %d items of %.0f tokens behind %.0f, seed %d%n",
            model.getName(),
            model.getVersion(),
            model.getQuantization(),
            model.getDevice(),
            shape.items(),
            tokens.item(),
            tokens.prefix(),
            seed);
    Table table =
        new Table(
            0,
            "phase",
            "sent/s",
            "OK/s",
            "refused",
            "late",
            "p50 ms",
            "p90",
            "p99",
            "p99.9",
            "added p50",
            "p99",
            "refusal p99",
            "lag p99");
    phases.forEach(phase -> table.row(row(phase)));
    table.print(terminal);
    for (PhaseResult result : phases) {
      terminal
          .out()
          .printf(
              Locale.ROOT,
              "%s: %.1f pairs/s, outcomes %s%s%n",
              result.phase().name(),
              result.pairsPerSecond(),
              result.outcomes(),
              result.phase().isOpen()
                  ? String.format(
                      Locale.ROOT,
                      ", deadline %.0f ms met by %.2f%% of the accepted",
                      result.phase().deadline().toNanos() * 1e-6,
                      100 * result.deadlineMet())
                  : "");
    }
  }

  private static Cell[] row(PhaseResult result) {
    PhaseResult.Counts counts = result.counts();
    return List.of(
            result.phase().name(),
            String.format(Locale.ROOT, "%.1f", counts.calls() / result.seconds()),
            String.format(Locale.ROOT, "%.1f", result.sustained()),
            String.valueOf(counts.refused()),
            String.valueOf(counts.late()),
            millis(result, Tally.Time.LATENCY, 50),
            millis(result, Tally.Time.LATENCY, 90),
            millis(result, Tally.Time.LATENCY, 99),
            millis(result, Tally.Time.LATENCY, 99.9),
            millis(result, Tally.Time.ADDED, 50),
            millis(result, Tally.Time.ADDED, 99),
            millis(result, Tally.Time.REFUSAL, 99),
            millis(result, Tally.Time.SEND_LAG, 99))
        .stream()
        .map(Cell::of)
        .toArray(Cell[]::new);
  }

  private static String millis(PhaseResult result, Tally.Time what, double percent) {
    double seconds = result.seconds(what, percent);
    return Double.isNaN(seconds) ? "-" : String.format(Locale.ROOT, "%.2f", seconds * 1e3);
  }
}
