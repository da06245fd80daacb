package dev.gavel.cli.client;

import dev.gavel.cli.CliException;
import dev.gavel.cli.ExitCode;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.GavelServer;
import dev.gavel.server.ServerConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A server in this process, with its model and its engines. */
public final class LocalServer implements AutoCloseable {
  private final RelevanceModel model;
  private final List<Engine> engines;
  private final GavelServer server;

  private LocalServer(RelevanceModel model, List<Engine> engines, GavelServer server) {
    this.model = model;
    this.engines = engines;
    this.server = server;
  }

  /**
   * Opens the model directory, loads the weights and serves.
   *
   * @throws CliException if an address cannot be bound
   */
  public static LocalServer start(Path directory, ServerConfig config) {
    RelevanceModel model = RelevanceModel.open(directory);
    List<Engine> engines = new ArrayList<>();
    try {
      for (EngineOptions options : config.engineOptions(model.config())) {
        engines.add(model.loadEngine(options));
      }
      return new LocalServer(model, engines, GavelServer.start(config, model, engines));
    } catch (IOException e) {
      close(model, engines);
      throw new CliException(ExitCode.UNAVAILABLE, e.getMessage(), e);
    } catch (RuntimeException | Error e) {
      close(model, engines);
      throw e;
    }
  }

  private static void close(RelevanceModel model, List<Engine> engines) {
    engines.forEach(Engine::close);
    model.close();
  }

  /** A client of a server without sockets; closing it closes both. */
  public static Sidecar inProcess(Path directory, ServerConfig config, Duration deadline) {
    LocalServer local = start(directory, config.withoutSockets());
    Target target = new Target.InProcess(local.server.inProcessName());
    return Sidecar.connect(target, deadline, local::close);
  }

  /** A client, over a Unix socket, of a server on that socket only; closing it closes both. */
  public static Sidecar unix(Path directory, ServerConfig config, Path socket) {
    LocalServer local = start(directory, config.withListen("").withUds(socket.toString()));
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
      close(model, engines);
    }
  }
}
