package dev.gavel.cli.client;

import dev.gavel.cli.CliException;
import dev.gavel.cli.ExitCode;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.GavelServer;
import dev.gavel.server.ServerConfig;
import dev.gavel.server.observability.DeviceMonitor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** A server in this process, with its model and its engines. */
public final class LocalServer implements AutoCloseable {
  private final RelevanceModel model;
  private final List<Engine> engines;
  private final DeviceMonitor monitor;
  private final GavelServer server;

  private LocalServer(
      RelevanceModel model, List<Engine> engines, DeviceMonitor monitor, GavelServer server) {
    this.model = model;
    this.engines = engines;
    this.monitor = monitor;
    this.server = server;
  }

  /**
   * Opens the model directory, loads the weights and serves.
   *
   * @param openMonitor who watches the devices; closed with the server
   * @throws CliException if an address cannot be bound, or the configuration is none for this model
   */
  public static LocalServer start(
      Path directory, ServerConfig config, Supplier<DeviceMonitor> openMonitor) {
    RelevanceModel model = RelevanceModel.open(directory);
    List<Engine> engines = new ArrayList<>();
    DeviceMonitor monitor = DeviceMonitor.NONE;
    try {
      for (EngineOptions each : options(config, model)) {
        engines.add(model.loadEngine(each));
      }
      monitor = openMonitor.get();
      GavelServer server = GavelServer.start(config, model, engines, monitor);
      return new LocalServer(model, engines, monitor, server);
    } catch (IOException e) {
      close(model, engines, monitor);
      throw new CliException(ExitCode.UNAVAILABLE, e.getMessage(), e);
    } catch (RuntimeException | Error e) {
      close(model, engines, monitor);
      throw e;
    }
  }

  private static List<EngineOptions> options(ServerConfig config, RelevanceModel model) {
    try {
      return config.engineOptions(model.config());
    } catch (IllegalArgumentException e) {
      throw new CliException(ExitCode.DATA, e.getMessage(), e);
    }
  }

  private static void close(RelevanceModel model, List<Engine> engines, DeviceMonitor monitor) {
    monitor.close();
    engines.forEach(Engine::close);
    model.close();
  }

  /** For one command: gone before anybody could look at its devices. */
  private static LocalServer unwatched(Path directory, ServerConfig config) {
    return start(directory, config, () -> DeviceMonitor.NONE);
  }

  /** A client of a server without sockets; closing it closes both. */
  public static Sidecar inProcess(Path directory, ServerConfig config, Duration deadline) {
    LocalServer local = unwatched(directory, config.withoutSockets());
    Target target = new Target.InProcess(local.server.inProcessName());
    return Sidecar.connect(target, deadline, local::close);
  }

  /** A client, over a Unix socket, of a server on that socket only; closing it closes both. */
  public static Sidecar unix(Path directory, ServerConfig config, Path socket) {
    LocalServer local = unwatched(directory, config.withListen("").withUds(socket.toString()));
    return Sidecar.connect(new Target.Unix(socket), Duration.ZERO, local::close);
  }

  public GavelServer server() {
    return server;
  }

  public RelevanceModel model() {
    return model;
  }

  /** One a device, in the order of the configuration. */
  public List<Engine> engines() {
    return engines;
  }

  /** Drains and stops the server, then frees engines and model. */
  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new CliException(ExitCode.INTERNAL, "closing the server: " + e.getMessage(), e);
    } finally {
      close(model, engines, monitor);
    }
  }
}
