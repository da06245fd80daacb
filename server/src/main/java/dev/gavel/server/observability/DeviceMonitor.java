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
        public List<String> busesOf(String device) {
          return List.of();
        }

        @Override
        public void close() {}
      };

  /** Every GPU as it is now; those that are lost as well. */
  List<GpuReading> read();

  /**
   * The {@link GpuReading#bus} of each GPU that an engine computes on.
   *
   * @param device {@code cpu}, {@code cuda:N} or {@code cuda:N+M}
   * @return empty if there is none, or none that can be told
   */
  List<String> busesOf(String device);

  @Override
  void close();
}
