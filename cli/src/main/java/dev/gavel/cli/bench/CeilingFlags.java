package dev.gavel.cli.bench;

import dev.gavel.engine.Engine;
import dev.gavel.engine.Hardware;
import java.util.Optional;
import picocli.CommandLine.Option;

/**
 * Ceilings that were measured elsewhere. A CPU's are measured here, where none are given; a
 * device's have to be given.
 */
final class CeilingFlags {
  private static final double READ_SECONDS = 0.5;
  private static final long READ_BYTES = 256L << 20;

  @Option(
      names = "--peak",
      paramLabel = "GOPS",
      description = "The device's product rate in billions of operations a second; CPU: measured.")
  private Double peak;

  @Option(
      names = "--bandwidth",
      paramLabel = "GBPS",
      description = "The device's memory bandwidth in GB/s; CPU: measured.")
  private Double bandwidth;

  /** What is wrong with the flags on this device, if anything. */
  Optional<String> problem(String device) {
    if ((peak == null) != (bandwidth == null)) {
      return Optional.of("--peak and --bandwidth: expected both or neither, found one");
    }
    if (peak == null) {
      return device.equals("cpu")
          ? Optional.empty()
          : Optional.of("--peak and --bandwidth: expected both on " + device + ", found neither");
    }
    if (!(peak > 0 && bandwidth > 0)) {
      return Optional.of(
          "--peak and --bandwidth: expected numbers above 0, found " + peak + " and " + bandwidth);
    }
    return Optional.empty();
  }

  /**
   * What was given, else what this machine does now.
   *
   * @param rows rows of a batch
   */
  Ceiling measure(Engine engine, int rows) {
    if (peak == null) {
      return Ceiling.measure(
          engine.config(), engine.info().quantization(), engine.info().threads(), rows);
    }
    return new Ceiling(peak, "given", 0, 0, 0, bandwidth, "");
  }

  /** The bandwidth alone, in GB/s. */
  double bandwidth(Engine engine) {
    return bandwidth != null
        ? bandwidth
        : Hardware.memoryGigabytesPerSecond(engine.info().threads(), READ_BYTES, READ_SECONDS);
  }
}
