package dev.gavel.cli;

import dev.gavel.cli.client.LocalServer;
import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.json.JsonView;
import dev.gavel.engine.DType;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.server.ServerConfig;
import dev.gavel.v1.Item;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;

/** {@code gavel warm-up}: scores with a tiny model, so that the archive of classes has them all. */
@Command(name = "warm-up", hidden = true)
public final class WarmUpCommand extends Action {
  @ArgGroup(exclusive = false)
  private EngineFlags engine = new EngineFlags();

  @Override
  public Integer call() throws IOException {
    try (TemporaryFolder folder = TemporaryFolder.create()) {
      Path model = folder.resolve("model");
      RandomModel.write(ModelShape.of("tiny"), model, 0, DType.BF16);
      score(model, folder.resolve("gavel.sock"));
    }
    return ExitCode.OK;
  }

  private void score(Path model, Path socket) {
    Item item = Item.newBuilder().setText("red shoes").build();
    ScoreRequest request = ScoreRequest.newBuilder().setQuery("shoes").addItems(item).build();
    ServerConfig config = engine.applyTo(ServerConfig.defaults(), this);
    try (Sidecar sidecar = LocalServer.unix(model, config, socket)) {
      ScoreResponse response = sidecar.score(request);
      new ScoreReport(terminal()).print(List.of(item), response, false);
      terminal().out().println(JsonView.line(JsonView.score("shoes", response, true)));
    }
  }
}
