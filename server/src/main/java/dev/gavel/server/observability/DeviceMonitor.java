package dev.gavel.server.observability;

import java.util.List;

/** What the driver says of the machine's GPUs. One thread at a time. */
public interface DeviceMonitor extends AutoCloseable {
  /** Knows no GPUs. */
  DeviceMonitor NONE =
      new DeviceMonitor() {
        @Override
        public List<GpuReading> read() {
          return List.of();
        }

        @Override
        public String busOf(String device) {
          return "";
        }

        @Override
        public void close() {}
      };

  /** Every GPU as it is now; those that are lost as well. */
  List<GpuReading> read();

  /**
   * The {@link GpuReading#bus} of a device that an engine computes on.
   *
   * @param device {@code cpu} or {@code cuda:N}
   * @return empty if the device is no GPU, or not known to the driver
   */
  String busOf(String device);

  @Override
  void close();
}
