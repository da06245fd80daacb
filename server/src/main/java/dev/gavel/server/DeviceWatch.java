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
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
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
  private final List<List<String>> buses; // by device, of its GPUs
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
    this.buses = devices.stream().map(monitor::busesOf).toList();
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
      List<GpuReading> gpus = gpusOf(d, now);
      if (!gpus.isEmpty()) {
        publish(gpus, stats.get(d));
        tell(d, gpus.stream().map(GpuReading::problem).filter(Objects::nonNull).findFirst());
      }
    }
  }

  private List<GpuReading> gpusOf(int device, List<GpuReading> all) {
    return all.stream().filter(gpu -> buses.get(device).contains(gpu.bus())).toList();
  }

  private static void publish(List<GpuReading> gpus, DeviceStats stats) {
    stats.set(Level.MEMORY_BYTES, sum(gpus, GpuReading::memoryBytes));
    stats.set(Level.MEMORY_USED_BYTES, sum(gpus, GpuReading::memoryUsedBytes));
    stats.set(Level.UTILIZATION_PERCENT, highest(gpus, GpuReading::utilizationPercent));
    stats.set(Level.TEMPERATURE_CELSIUS, highest(gpus, GpuReading::temperatureCelsius));
    stats.set(Level.THROTTLED, highest(gpus, DeviceWatch::throttled));
  }

  private static long throttled(GpuReading gpu) {
    return gpu.problem() != null ? DeviceStats.UNKNOWN : gpu.throttling().isEmpty() ? 0 : 1;
  }

  /** Unknown where one of them is. */
  private static long sum(List<GpuReading> gpus, ToLongFunction<GpuReading> value) {
    boolean known = gpus.stream().mapToLong(value).noneMatch(v -> v == DeviceStats.UNKNOWN);
    return known ? gpus.stream().mapToLong(value).sum() : DeviceStats.UNKNOWN;
  }

  private static long highest(List<GpuReading> gpus, ToLongFunction<GpuReading> value) {
    return gpus.stream().mapToLong(value).max().orElse(DeviceStats.UNKNOWN);
  }

  private void tell(int device, Optional<String> found) {
    String problem = found.orElse(null);
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
      reports.add(new DeviceReport(states.get(d), gpusOf(d, seen)));
    }
    for (GpuReading gpu : seen) {
      if (buses.stream().noneMatch(own -> own.contains(gpu.bus()))) {
        reports.add(new DeviceReport(null, List.of(gpu)));
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
