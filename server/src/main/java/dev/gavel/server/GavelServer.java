package dev.gavel.server;

import dev.gavel.engine.Engine;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.api.CallGate;
import dev.gavel.server.api.RelevanceService;
import dev.gavel.server.api.Serving;
import dev.gavel.server.observability.DeviceMonitor;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.results.ResultCache;
import dev.gavel.server.scheduling.Admission;
import dev.gavel.server.scheduling.DeviceState;
import dev.gavel.server.scheduling.Scheduler;
import dev.gavel.v1.RelevanceGrpc;
import io.grpc.ServerBuilder;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.ChannelzService;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running sidecar.
 *
 * <pre>{@code
 * ServerConfig config = ServerConfig.defaults().withUds("/run/gavel.sock");
 * try (RelevanceModel model = RelevanceModel.open(directory);
 *     Engine engine = model.loadEngine(config.engineOptions(model.config()).get(0));
 *     GavelServer server = GavelServer.start(config, model, engine)) {
 *   server.awaitClose();
 * }
 * }</pre>
 */
public final class GavelServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GavelServer.class);
  private static final int CHANNELZ_PAGE_MAX = 100;

  /** What the health service calls a device, before its name. */
  private static final String DEVICE_SERVICE = "device/";

  /** How long the answers of calls that closing has failed may take to be written. */
  private static final long ANSWER_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final ServerConfig config;
  private final ServerStats stats = new ServerStats();
  private final HealthStatusManager health = new HealthStatusManager();
  private final CallGate gate = new CallGate(stats);
  private final ExecutorService calls;
  private final ExecutorService tokenizers;
  private final ResultCache results;
  private final Scheduler scheduler;
  private final DeviceWatch watch;
  private final Transports transports;
  private boolean closing;
  private boolean closed;

  /** The same with one engine, and nobody who watches its device. */
  public static GavelServer start(ServerConfig config, RelevanceModel model, Engine engine)
      throws IOException {
    return start(config, model, List.of(engine), DeviceMonitor.NONE);
  }

  /**
   * Starts serving; on return the server is ready. Model, engines and monitor stay the caller's,
   * and must outlive the server; engines and monitor must not be used by anybody else meanwhile.
   *
   * @param engines of this model, one a device, with the same room; see {@link
   *     ServerConfig#engineOptions}
   * @throws IOException if an address cannot be bound
   * @throws dev.gavel.engine.EngineException if an engine refuses the model's labels
   */
  public static GavelServer start(
      ServerConfig config, RelevanceModel model, List<Engine> engines, DeviceMonitor monitor)
      throws IOException {
    return new GavelServer(config, model, engines, monitor);
  }

  private GavelServer(
      ServerConfig config, RelevanceModel model, List<Engine> engines, DeviceMonitor monitor)
      throws IOException {
    this.config = config;
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.NOT_SERVING);
    results = new ResultCache(resultBounds(config), stats);
    int threads = Math.max(2, Runtime.getRuntime().availableProcessors());
    calls = Executors.newFixedThreadPool(threads, named("gavel-call-"));
    tokenizers = Executors.newFixedThreadPool(threads, named("gavel-tokenizer-"));
    List<String> devices = engines.stream().map(engine -> engine.info().device()).toList();
    Scheduler started = null;
    DeviceWatch watching = null;
    try {
      started =
          Scheduler.start(
              engines, model.labelTokens(), schedulerOptions(config), stats, this::ready);
      scheduler = started;
      watching = new DeviceWatch(monitor, devices, scheduler, stats);
      watch = watching;
      ServerServiceDefinition relevance = RelevanceService.define(serving(model, engines));
      transports = Transports.open(config, builder -> configure(builder, relevance));
    } catch (IOException | RuntimeException e) {
      if (watching != null) {
        watching.close();
      }
      if (started != null) {
        started.close();
      }
      stopThreads();
      throw e;
    }
    scheduler.tellHealth();
  }

  private static Scheduler.Options schedulerOptions(ServerConfig config) {
    ServerConfig.Limits limits = config.limits();
    return new Scheduler.Options(
        new Admission.Bounds(
            limits.queueItemsMax(), limits.queueTokensMax(), limits.explainPathsMax()),
        config.engine().batchDelayMicrosMax(),
        limits.explainStreamsMax(),
        limits.slowReaderSecondsMax(),
        config.engine().kvCacheEnabled());
  }

  private static ResultCache.Bounds resultBounds(ServerConfig config) {
    ServerConfig.ResultCaching caching = config.resultCache();
    return new ResultCache.Bounds(caching.bytesMax(), Duration.ofSeconds(caching.secondsMax()));
  }

  private Serving serving(RelevanceModel model, List<Engine> engines) {
    return new Serving(
        model,
        engines.get(0).info(),
        engines.stream().map(e -> e.info().device()).distinct().collect(Collectors.joining(",")),
        scheduler,
        watch::reports,
        calls,
        tokenizers,
        stats,
        gate,
        results.newGeneration(),
        config.limits().requestBytesMax(),
        config.limits().streamCallsMax());
  }

  private void configure(ServerBuilder<?> builder, ServerServiceDefinition relevance) {
    builder
        .directExecutor() // see the api package on threads
        .addService(relevance)
        .addService(health.getHealthService())
        .addService(ProtoReflectionServiceV1.newInstance())
        .addService(ChannelzService.newInstance(CHANNELZ_PAGE_MAX));
  }

  private static ThreadFactory named(String prefix) {
    AtomicInteger number = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, prefix + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /** The server is as healthy as its best device; each device has a service name of its own. */
  private void ready(List<DeviceState> devices) {
    ServingStatus all = status(devices.stream().anyMatch(DeviceState::serves));
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, all);
    health.setStatus(RelevanceGrpc.SERVICE_NAME, all);
    for (DeviceState device : devices) {
      health.setStatus(DEVICE_SERVICE + device.name(), status(device.serves()));
    }
  }

  private static ServingStatus status(boolean serves) {
    return serves ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  /** The TCP port, or -1 if there is none. */
  public int port() {
    return transports.port();
  }

  /** The Unix socket, or null if there is none. */
  public Path udsPath() {
    return transports.udsPath();
  }

  /** Name for {@code InProcessChannelBuilder}: the same services without a socket. */
  public String inProcessName() {
    return transports.inProcessName();
  }

  /** Looks at the GPUs now, instead of in some seconds. */
  void lookAtDevices() {
    watch.look();
  }

  /** Counters and gauges; live. */
  public ServerStats stats() {
    return stats;
  }

  /** Waits until somebody has closed the server. */
  public synchronized void awaitClose() throws InterruptedException {
    while (!closed) {
      wait();
    }
  }

  /**
   * Drains and stops: health says NOT_SERVING, new requests are refused as UNAVAILABLE, running
   * ones get drainSecondsMax and are then cancelled. Idempotent; returns when all is stopped.
   */
  @Override
  public void close() throws IOException {
    synchronized (this) {
      if (closing) {
        awaitCloseUninterruptibly();
        return;
      }
      closing = true;
    }
    try {
      health.enterTerminalState();
      gate.drain();
      if (!isEmptyWithin(TimeUnit.SECONDS.toNanos(config.drainSecondsMax()))) {
        LOG.warn("calls still run after {} s: cancelled", config.drainSecondsMax());
      }
      scheduler.close();
      isEmptyWithin(ANSWER_NANOS);
    } finally {
      try {
        transports.close();
      } finally {
        watch.close();
        stopThreads();
        synchronized (this) {
          closed = true;
          notifyAll();
        }
      }
    }
  }

  /** Waits until no call runs, at most so long, and no longer where the thread is interrupted. */
  private boolean isEmptyWithin(long nanos) {
    try {
      return gate.awaitEmpty(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void awaitCloseUninterruptibly() {
    boolean interrupted = false;
    while (!closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void stopThreads() {
    calls.shutdown();
    tokenizers.shutdown();
  }
}
