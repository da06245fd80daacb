package dev.gavel.server.observability;

import java.util.List;
import java.util.Locale;

/**
 * A GPU at one time. What nobody can tell is {@link DeviceStats#UNKNOWN}.
 *
 * @param bus PCI address, {@code domain:bus:device.function}, as {@link #canonicalBus} writes it
 * @param product for example {@code NVIDIA H100 80GB HBM3}; empty: not known
 * @param uuid the driver's own name; empty: not known
 * @param memoryBytes of the whole GPU
 * @param memoryUsedBytes in use, by any process
 * @param utilizationPercent of the last sample period in which anything was computed
 * @param throttling what slows the GPU down now, in words of {@code NVML}
 * @param problem why the GPU cannot be used any more; null while it can
 */
public record GpuReading(
    String bus,
    String product,
    String uuid,
    long memoryBytes,
    long memoryUsedBytes,
    int utilizationPercent,
    int temperatureCelsius,
    List<String> throttling,
    String problem) {

  public GpuReading {
    throttling = List.copyOf(throttling);
  }

  /** A GPU that can no longer be asked. */
  static GpuReading lost(String bus, String product, String uuid, String problem) {
    int unknown = (int) DeviceStats.UNKNOWN;
    return new GpuReading(
        bus, product, uuid, unknown, unknown, unknown, unknown, List.of(), problem);
  }

  /**
   * One spelling for the addresses of CUDA and NVML, which write domains of 4 and of 8 digits.
   *
   * @throws IllegalArgumentException if it is no PCI address
   */
  static String canonicalBus(String address) {
    int colon = address.indexOf(':');
    try {
      long domain = Long.parseLong(address.substring(0, Math.max(colon, 0)), 16);
      return String.format(Locale.ROOT, "%04X", domain)
          + address.substring(colon).toUpperCase(Locale.ROOT);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "expected domain:bus:device.function, found \"" + address + "\"", e);
    }
  }
}
