package dev.gavel.cli.bench;

import dev.gavel.cli.Action;
import dev.gavel.engine.Engine;
import picocli.CommandLine.Option;

/** Ceilings that were measured elsewhere; where none are given, they are measured here. */
final class CeilingFlags {
  private static final double READ_SECONDS = 0.2;
  private static final long READ_BYTES = 256L << 20;

  @Option(
      names = "--peak",
      paramLabel = "GOPS",
      description =
          "Rate of matrix products, in billions of operations a second; default: measured.")
  private Double peak;

  @Option(
      names = "--bandwidth",
      paramLabel = "GBPS",
      description = "Memory bandwidth in GB/s; default: measured.")
  private Double bandwidth;

  /** Ends {@code action} as wrongly called if only one is given, or one is no rate. */
  void check(Action action) {
    if ((peak == null) != (bandwidth == null)) {
      throw action.usage("--peak and --bandwidth: expected both or neither, found one");
    }
    if (peak != null && !(peak > 0 && bandwidth > 0)) {
      throw action.usage(
          "--peak and --bandwidth: expected numbers above 0, found " + peak + " and " + bandwidth);
    }
  }

  /**
   * What was given, else what this machine does now.
   *
   * @param rows rows of a batch
   */
  Ceiling measure(Engine engine, int rows) {
    if (peak == null) {
      return Ceiling.measure(engine, rows);
    }
    return new Ceiling(peak, "given", 0, 0, 0, bandwidth, "");
  }

  /** The bandwidth alone, in GB/s. */
  double bandwidth(Engine engine) {
    return bandwidth != null
        ? bandwidth
        : Ceiling.gigabytesPerSecond(engine.info(), READ_BYTES, READ_SECONDS);
  }
}
