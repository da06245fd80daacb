package dev.gavel.cli.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.Quantization;
import java.util.Arrays;
import java.util.Locale;

/**
 * What was measured, and what could have been.
 *
 * @param model the shape's or directory's name
 * @param seconds of each timed request
 * @param hot the same in item-first order, or null
 */
public record ScoreBenchResult(
    String model,
    ScoreShape shape,
    EngineInfo info,
    RooflineLimit limit,
    Ceiling ceiling,
    double[] seconds,
    HotItems hot,
    int warmUp,
    long seed) {

  /**
   * Requests in item-first order, between those in query-first order.
   *
   * @param queryTokens computed per pair
   * @param seconds of each timed request
   */
  public record HotItems(int queryTokens, double[] seconds) {}

  public double median() {
    return new Percentiles(seconds).median();
  }

  public double pairsPerSecond() {
    return shape.items() / median();
  }

  private double hotPairsPerSecond() {
    return shape.items() / new Percentiles(hot.seconds()).median();
  }

  /** Operations per second over the ceiling's. */
  public double fractionOfCeiling() {
    return limit.operations(shape) / median() / (ceiling.gigaOperationsPerSecond() * 1e9);
  }

  /** The least time over the measured one: the ceiling with memory bandwidth taken into account. */
  public double fractionOfLimit() {
    return limitSeconds() / median();
  }

  private double limitSeconds() {
    return limit.seconds(
        shape, ceiling.gigaOperationsPerSecond() * 1e9, ceiling.gigabytesPerSecond() * 1e9);
  }

  private String unit() {
    return info.quantization() == Quantization.INT8 ? "GOP/s" : "GFLOP/s";
  }

  /** The object of {@code bench score --json}. */
  public ObjectNode toJson() {
    Percentiles percentiles = new Percentiles(seconds);
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("pairs_per_second", pairsPerSecond());
    percentiles
        .putTo(node.putObject("seconds"))
        .put("p99", percentiles.at(99))
        .put("mean", Arrays.stream(seconds).average().orElseThrow());
    node.putObject("gemm_ceiling")
        .put("value", ceiling.gigaOperationsPerSecond())
        .put("unit", unit())
        .put("provider", ceiling.provider())
        .put("m", ceiling.m())
        .put("n", ceiling.n())
        .put("k", ceiling.k())
        .put("note", ceiling.note());
    node.put("fraction_of_ceiling", fractionOfCeiling());
    node.putObject("memory_bandwidth")
        .put("value", ceiling.gigabytesPerSecond())
        .put("unit", "GB/s");
    node.put("limit_seconds", limitSeconds());
    node.put("fraction_of_limit", fractionOfLimit());
    node.put("giga_operations_per_request", limit.operations(shape) * 1e-9);
    node.put("tokens_per_request", shape.tokens());
    if (hot != null) {
      node.putObject("item_first")
          .put("pairs_per_second", hotPairsPerSecond())
          .put("times_query_first", hotPairsPerSecond() / pairsPerSecond())
          .put("query_tokens", hot.queryTokens())
          .put("seconds_median", new Percentiles(hot.seconds()).median());
    }
    EngineText.put(node, model, info);
    node.put("prefix", shape.prefix());
    node.put("items", shape.items());
    node.put("item_tokens", shape.itemTokens());
    node.put("requests", seconds.length);
    node.put("warm_up_requests", warmUp);
    node.put("seed", seed);
    return node;
  }

  /** A few lines for people. */
  public String toText() {
    Percentiles percentiles = new Percentiles(seconds);
    return String.format(
        Locale.ROOT,
        """
        %s
        %d items of %d tokens behind a prefix of %d: %.1f pairs/s
        request: median %.1f ms, p99 %.1f ms, %d timed
        limit:   %.1f ms (%.1f G operations; ceiling %.0f %s by %s, memory %.1f GB/s)
        reached: %.1f%% of the ceiling
        %s%s""",
        EngineText.line(model, info, seed),
        shape.items(),
        shape.itemTokens(),
        shape.prefix(),
        pairsPerSecond(),
        percentiles.median() * 1e3,
        percentiles.at(99) * 1e3,
        seconds.length,
        limitSeconds() * 1e3,
        limit.operations(shape) * 1e-9,
        ceiling.gigaOperationsPerSecond(),
        unit(),
        ceiling.provider(),
        ceiling.gigabytesPerSecond(),
        fractionOfCeiling() * 100,
        hot == null ? "" : hotText(),
        ceiling.note());
  }

  private String hotText() {
    return String.format(
        Locale.ROOT,
        "item-first: a query of %d tokens behind hot items: %.1f pairs/s, %.2f times query-first%n",
        hot.queryTokens(),
        hotPairsPerSecond(),
        hotPairsPerSecond() / pairsPerSecond());
  }
}
