package dev.gavel.server;

import dev.gavel.server.api.DeviceReport;
import dev.gavel.server.observability.DeviceMonitor;
import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.DeviceStats.Level;
import dev.gavel.server.observability.GpuReading;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.scheduling.DeviceState;
import dev.gavel.server.scheduling.Scheduler;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the GPUs from time to time: their readings become metrics and part of what {@code
 * GetModel} says, and a GPU that the driver has lost gets no calls. On a thread of its own, since a
 * driver may take its time.
 */
final class DeviceWatch implements AutoCloseable {
  private static final long PERIOD_SECONDS = 5;
  private static final Logger LOG = LoggerFactory.getLogger(DeviceWatch.class);

  private final DeviceMonitor monitor;
  private final Scheduler scheduler;
  private final List<DeviceStats> stats;
  private final List<String> buses; // by device; empty: no GPU that the driver knows
  private final String[] problems; // by device, as last told; null: none
  private final ScheduledExecutorService thread;
  private volatile List<GpuReading> readings = List.of();

  /**
   * Looks once, and goes on every few seconds if there is any GPU.
   *
   * @param devices of the engines, in their order
   */
  DeviceWatch(DeviceMonitor monitor, List<String> devices, Scheduler scheduler, ServerStats stats) {
    this.monitor = monitor;
    this.scheduler = scheduler;
    this.stats = stats.devices();
    this.buses = devices.stream().map(monitor::busOf).toList();
    this.problems = new String[devices.size()];
    look();
    this.thread =
        readings.isEmpty()
            ? null
            : Executors.newSingleThreadScheduledExecutor(
                task -> {
                  Thread watcher = new Thread(task, "gavel-device-watch");
                  watcher.setDaemon(true);
                  return watcher;
                });
    if (thread != null) {
      thread.scheduleWithFixedDelay(
          this::lookSafely, PERIOD_SECONDS, PERIOD_SECONDS, TimeUnit.SECONDS);
    }
  }

  /** An exception would end the looking for good. */
  private void lookSafely() {
    try {
      look();
    } catch (RuntimeException e) {
      LOG.error("the GPUs could not be looked at", e);
    }
  }

  /** Looks now. */
  synchronized void look() {
    List<GpuReading> now = monitor.read();
    readings = now;
    for (int d = 0; d < buses.size(); d++) {
      GpuReading gpu = find(now, buses.get(d));
      if (gpu != null) {
        publish(gpu, stats.get(d));
        tell(d, gpu.problem());
      }
    }
  }

  private static GpuReading find(List<GpuReading> readings, String bus) {
    return readings.stream().filter(gpu -> gpu.bus().equals(bus)).findFirst().orElse(null);
  }

  private static void publish(GpuReading gpu, DeviceStats stats) {
    stats.set(Level.MEMORY_BYTES, gpu.memoryBytes());
    stats.set(Level.MEMORY_USED_BYTES, gpu.memoryUsedBytes());
    stats.set(Level.UTILIZATION_PERCENT, gpu.utilizationPercent());
    stats.set(Level.TEMPERATURE_CELSIUS, gpu.temperatureCelsius());
    boolean known = gpu.problem() == null;
    stats.set(Level.THROTTLED, known ? gpu.throttling().isEmpty() ? 0 : 1 : DeviceStats.UNKNOWN);
  }

  private void tell(int device, String problem) {
    if (Objects.equals(problems[device], problem)) {
      return;
    }
    problems[device] = problem;
    String name = stats.get(device).device();
    if (problem == null) {
      LOG.info("{}: the driver has it again", name);
    } else {
      LOG.error("{}: {}", name, problem);
    }
    scheduler.setLost(device, problem);
  }

  /** The devices as they are, then the GPUs that no engine uses. Any thread. */
  List<DeviceReport> reports() {
    List<GpuReading> seen = readings;
    List<DeviceReport> reports = new ArrayList<>();
    List<DeviceState> states = scheduler.devices();
    for (int d = 0; d < states.size(); d++) {
      reports.add(new DeviceReport(states.get(d), find(seen, buses.get(d))));
    }
    for (GpuReading gpu : seen) {
      if (!buses.contains(gpu.bus())) {
        reports.add(new DeviceReport(null, gpu));
      }
    }
    return reports;
  }

  /**
   * Looks no more; waits a little for a look that is under way, but not for a driver that hangs.
   */
  @Override
  public void close() {
    if (thread == null) {
      return;
    }
    thread.shutdownNow();
    try {
      thread.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
