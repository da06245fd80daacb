package dev.gavel.cli.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.engine.EngineInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * What was measured, and what could have been.
 *
 * @param model the shape's or directory's name
 * @param rounds steps with the bandwidth of their time, at least one round
 */
public record ExplainBenchResult(
    String model,
    DecodeShape shape,
    EngineInfo info,
    DecodeLimit limit,
    List<ExplainBench.Round> rounds,
    long seed) {

  private double[] seconds() {
    return rounds.stream().flatMapToDouble(round -> Arrays.stream(round.seconds())).toArray();
  }

  /** Seconds of a step, of all rounds. */
  public double median() {
    return new Percentiles(seconds()).median();
  }

  /** What memory yielded, the median over the rounds. */
  public double gigabytesPerSecond() {
    return median(rounds.stream().mapToDouble(ExplainBench.Round::gigabytesPerSecond));
  }

  private static double median(DoubleStream values) {
    return new Percentiles(values.toArray()).median();
  }

  /** Of all streams together. */
  public double tokensPerSecond() {
    return shape.streams() / median();
  }

  /**
   * The least time of a step at the bandwidth of its round over the round's median, the median over
   * the rounds.
   */
  public double fractionOfBandwidth() {
    return median(rounds.stream().mapToDouble(this::fractionOfBandwidth));
  }

  private double fractionOfBandwidth(ExplainBench.Round round) {
    double least = limit.seconds(shape, round.gigabytesPerSecond() * 1e9);
    return least / new Percentiles(round.seconds()).median();
  }

  private double limitSeconds() {
    return limit.seconds(shape, gigabytesPerSecond() * 1e9);
  }

  /** The object of {@code bench explain --json}. */
  public ObjectNode toJson() {
    double[] seconds = seconds();
    Percentiles percentiles = new Percentiles(seconds);
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("tokens_per_second", tokensPerSecond());
    node.put("streams", shape.streams());
    node.put("bandwidth_gb_per_second", gigabytesPerSecond());
    node.put("fraction_of_bandwidth", fractionOfBandwidth());
    percentiles.putTo(node.putObject("step_seconds")).put("p99", percentiles.at(99));
    node.put("limit_tokens_per_second", shape.streams() / limitSeconds());
    node.put("gigabytes_per_step", limit.bytes(shape) * 1e-9);
    EngineText.put(node, model, info);
    node.put("prompt", shape.prompt());
    node.put("tokens", shape.tokens());
    node.put("steps", seconds.length);
    node.put("seed", seed);
    return node;
  }

  /** A few lines for people. */
  public String toText() {
    double[] seconds = seconds();
    Percentiles percentiles = new Percentiles(seconds);
    return String.format(
        Locale.ROOT,
        """
        %s
        %d streams, %d tokens behind a prompt of %d: %.1f tokens/s
        step:    median %.2f ms, p99 %.2f ms, %d timed
        limit:   %.2f ms (%.3f GB; memory is read at %.1f GB/s), %.1f tokens/s
        reached: %.1f%% of the bandwidth (each round by the bandwidth read around it)
        """,
        EngineText.line(model, info, seed),
        shape.streams(),
        shape.tokens(),
        shape.prompt(),
        tokensPerSecond(),
        percentiles.median() * 1e3,
        percentiles.at(99) * 1e3,
        seconds.length,
        limitSeconds() * 1e3,
        limit.bytes(shape) * 1e-9,
        gigabytesPerSecond(),
        shape.streams() / limitSeconds(),
        fractionOfBandwidth() * 100);
  }
}
