package dev.gavel.cli;

import dev.gavel.cli.client.LocalServer;
import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.client.Target;
import dev.gavel.server.ServerConfig;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Who answers: a model directory that is served inside this process, or a running server. */
final class SidecarOptions {
  /** The two ways. */
  static final class Who {
    @Option(
        names = "--model",
        paramLabel = "DIR",
        description = "Model directory in the Hugging Face layout, served inside this process.")
    Path model;

    @Option(
        names = "--target",
        paramLabel = "TARGET",
        converter = TargetConverter.class,
        description = "A running server: HOST:PORT or unix:/PATH.")
    Target target;
  }

  @ArgGroup(exclusive = true, multiplicity = "1")
  Who who;

  @ArgGroup(exclusive = false)
  EngineFlags engine = new EngineFlags();

  @Option(
      names = "--deadline",
      paramLabel = "SECONDS",
      defaultValue = "0",
      description = "Deadline of every call; 0 (the default) is none.")
  double deadline;

  /** Opens it; the model is loaded first where it is a local one. */
  Sidecar open(Action action) {
    if (!(deadline >= 0 && deadline <= 1e6)) {
      throw action.usage("--deadline: expected 0 to 1000000 seconds, found " + deadline);
    }
    Duration wait = Duration.ofNanos(Math.round(deadline * 1e9));
    if (who.target != null) {
      engine.refuseWithTarget(action);
      return Sidecar.connect(who.target, wait);
    }
    ServerConfig config = engine.applyTo(ServerConfig.defaults(), action);
    return LocalServer.inProcess(who.model, config, wait);
  }
}
