package dev.gavel.cli;

import dev.gavel.cli.client.LocalServer;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineInfo;
import dev.gavel.server.GavelServer;
import dev.gavel.server.ServerConfig;
import dev.gavel.server.observability.NvmlMonitor;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel serve}. */
@Command(name = "serve", description = "Serve a model over TCP and a Unix socket until stopped.")
public final class ServeCommand extends Action {
  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Model directory in the Hugging Face layout; default: the embedded model.")
  private Path model;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description = "TCP address; port 0 takes a free one, an empty text means no TCP.")
  private String listen;

  @Option(names = "--uds", paramLabel = "PATH", description = "Path of a Unix socket.")
  private String uds;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "YAML or JSON with limits and the engine's room; flags win over it.")
  private Path config;

  @Option(
      names = "--no-cuda-graphs",
      description =
          "Launch every kernel of a batch by itself, also where a CUDA device has seen its like.")
  private boolean withoutCudaGraphs;

  @ArgGroup(exclusive = false)
  private EngineFlags engine = new EngineFlags();

  @Override
  public Integer call() throws InterruptedException {
    Path directory = model != null ? model : EmbeddedModel.require("serve");
    ServerConfig chosen = chosen();
    long start = System.nanoTime();
    if (!debug) {
      Logging.forServer();
    }
    LocalServer local = LocalServer.start(directory, chosen, NvmlMonitor::open);
    // What loading left behind: texts of the tokenizer, and mappings of the whole checkpoint, which
    // count as this process's memory until the collector has found them.
    System.gc();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(local), "gavel-stop"));
    announce(local, (System.nanoTime() - start) * 1e-9);
    local.server().awaitClose();
    return ExitCode.OK;
  }

  /** The file's values over the defaults, the flags' over the file's. */
  private ServerConfig chosen() {
    try {
      ServerConfig chosen = EngineFlags.read(config);
      if (listen != null) {
        chosen = chosen.withListen(listen);
      }
      if (uds != null) {
        chosen = chosen.withUds(uds);
      }
      if (withoutCudaGraphs) {
        chosen = chosen.withEngine(chosen.engine().withCudaGraphsEnabled(false));
      }
      return engine.applyTo(chosen, this);
    } catch (IllegalArgumentException e) {
      throw new CliException(ExitCode.DATA, e.getMessage(), e);
    }
  }

  private void announce(LocalServer local, double seconds) {
    PrintStream out = terminal().out();
    List<EngineInfo> engines = local.engines().stream().map(Engine::info).toList();
    EngineInfo info = engines.get(0);
    out.printf(
        Locale.ROOT,
        "gavel %s: %s %s, %s, %.1fM parameters, %s on %s (%s, %d threads), ready in %.1f s%n",
        VersionCommand.version(),
        local.model().name(),
        local.model().version(),
        local.model().config().architecture(),
        info.parameters() * 1e-6,
        info.quantization().id(),
        engines.stream().map(EngineInfo::device).collect(Collectors.joining(", ")),
        info.instructionSet(),
        engines.stream().mapToInt(EngineInfo::threads).sum(),
        seconds);
    GavelServer server = local.server();
    if (server.port() >= 0) {
      out.println("listening on port " + server.port());
    }
    if (server.udsPath() != null) {
      out.println("listening on unix:" + server.udsPath());
    }
    out.flush();
  }

  /**
   * On SIGTERM and SIGINT: drains, then ends with 0, since being stopped is no failure. The JVM
   * itself would say 143.
   */
  private void stop(LocalServer local) {
    terminal().out().println("draining");
    int exitCode = ExitCode.OK;
    try {
      local.close();
    } catch (RuntimeException e) {
      terminal().err().println("gavel serve: " + Failure.of(e).line());
      exitCode = ExitCode.INTERNAL;
    }
    terminal().out().println("stopped");
    terminal().out().flush();
    Runtime.getRuntime().halt(exitCode);
  }
}
