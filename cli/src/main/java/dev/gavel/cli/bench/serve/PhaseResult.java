package dev.gavel.cli.bench.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * What was measured in one phase.
 *
 * @param seconds from its start to the end of its last call
 * @param outcomes calls by status code, with the server's reason where it gave one
 * @param times per {@link Tally.Time}, in nanoseconds
 */
record PhaseResult(
    Phase phase, double seconds, Counts counts, Map<String, Long> outcomes, Histogram[] times) {

  /**
   * Calls and items.
   *
   * @param late accepted and not answered within the deadline
   * @param failed ended otherwise
   * @param items of answered calls
   * @param bad items without a judgment
   */
  record Counts(
      long answered, long refused, long late, long failed, long items, long cached, long bad) {
    long calls() {
      return answered + refused + late + failed;
    }
  }

  /** Answered calls per second. */
  double sustained() {
    return counts.answered / seconds;
  }

  /** Items of answered calls per second. */
  double pairsPerSecond() {
    return counts.items / seconds;
  }

  /** Share of the accepted calls that were answered in time; 1 if none was accepted. */
  double deadlineMet() {
    long accepted = counts.answered + counts.late;
    return accepted == 0 ? 1 : counts.answered / (double) accepted;
  }

  /** Seconds that {@code percent} of the calls in question do not exceed; NaN if there are none. */
  double seconds(Tally.Time what, double percent) {
    Histogram histogram = times[what.ordinal()];
    return histogram.getTotalCount() == 0
        ? Double.NaN
        : histogram.getValueAtPercentile(percent) * 1e-9;
  }

  ObjectNode toJson() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("phase", phase.name());
    if (phase.isOpen()) {
      node.put("offered_per_second", phase.rate());
      node.put("deadline_seconds", phase.deadline().toNanos() / 1e9);
      node.put("deadline_met", deadlineMet());
    } else {
      node.put("clients", phase.clients());
    }
    node.put("seconds", seconds);
    node.put("sustained_per_second", sustained());
    node.put("pairs_per_second", pairsPerSecond());
    node.put("calls", counts.calls());
    node.put("answered", counts.answered);
    node.put("refused", counts.refused);
    node.put("late", counts.late);
    node.put("failed", counts.failed);
    node.put("items", counts.items);
    node.put("cached_items", counts.cached);
    node.put("bad_items", counts.bad);
    outcomes.forEach(node.putObject("outcomes")::put);
    for (Tally.Time what : Tally.Time.values()) {
      Histogram histogram = times[what.ordinal()];
      if (histogram.getTotalCount() > 0) {
        node.putObject(what.name().toLowerCase(Locale.ROOT) + "_seconds")
            .put("min", seconds(what, 0))
            .put("p50", seconds(what, 50))
            .put("p90", seconds(what, 90))
            .put("p99", seconds(what, 99))
            .put("p999", seconds(what, 99.9))
            .put("max", seconds(what, 100))
            .put("mean", histogram.getMean() * 1e-9);
      }
    }
    return node;
  }
}
