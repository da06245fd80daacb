package dev.gavel.cli.demo;

import dev.gavel.cli.Action;
import dev.gavel.cli.EmbeddedModel;
import dev.gavel.cli.EngineFlags;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.TemporaryFolder;
import dev.gavel.cli.client.LocalServer;
import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.terminal.Style;
import dev.gavel.server.ServerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel demo}. */
@Command(
    name = "demo",
    description = "Score a dozen bundled queries over a Unix socket and explain one judgment.")
public final class DemoCommand extends Action {
  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Model directory in the Hugging Face layout; default: the embedded model.")
  private Path model;

  @ArgGroup(exclusive = false)
  private EngineFlags engine = new EngineFlags();

  @Override
  public Integer call() throws IOException {
    Path directory = model != null ? model : EmbeddedModel.require("demo");
    terminal().err().println("gavel demo: loading " + directory);
    ServerConfig config = engine.applyTo(ServerConfig.defaults(), this);
    try (TemporaryFolder folder = TemporaryFolder.create();
        Sidecar sidecar = LocalServer.unix(directory, config, folder.resolve("gavel.sock"))) {
      new DemoTour(terminal()).run(sidecar, DemoQuery.all());
    }
    next(directory);
    return ExitCode.OK;
  }

  private void next(Path directory) {
    String shown = quoted(directory);
    var out = terminal().out();
    if (model != null && !Files.exists(model.resolve("gavel.json"))) {
      out.println(
          terminal()
              .styled(
                  Style.DIM,
                  "A general model judged by the default prompt, without training: expect little."));
      out.println();
    }
    out.println(terminal().styled(Style.BOLD, "Next"));
    out.println("  ./gavel score --model " + shown + " --query 'red shoes' --item 'Red Sneakers'");
    out.println("  ./gavel explain --model " + shown + " --query 'red shoes' --item 'Blue Boots'");
    out.println("  ./gavel serve --model " + shown + " --listen 127.0.0.1:8980");
    out.println(
        "  ./gavel score --target 127.0.0.1:8980 --query 'red shoes' --item 'Red Sneakers'");
  }

  /** As a shell takes it. */
  private static String quoted(Path path) {
    String text = path.toString();
    return text.matches("[\\w./+-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
  }
}
