package dev.gavel.cli;

import dev.gavel.cli.client.BulkScore;
import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.items.ItemFile;
import dev.gavel.cli.json.JsonView;
import dev.gavel.v1.Item;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gavel score}. */
@Command(
    name = "score",
    description = "Score items against a query.",
    footer = {
      "",
      "A line of --items is {\"text\"} or {\"title\", \"description\", \"attributes\", \"id\"}, all"
          + " but the title optional; attributes are an object, or a list of {\"name\", \"value\"}.",
    })
public final class ScoreCommand extends Action {
  @Mixin private SidecarOptions sidecarOptions;

  @Option(names = "--query", required = true, paramLabel = "Q", description = "Shopper's query.")
  private String query;

  @Option(names = "--item", paramLabel = "TEXT", description = "An item's text. Repeatable.")
  private List<String> texts = new ArrayList<>();

  @Option(
      names = "--items",
      paramLabel = "FILE.jsonl",
      description = "Items, one JSON object a line; gzip is fine, - is standard input.")
  private String file;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Option(names = "--tokens", description = "Also show the token ids that were computed on.")
  private boolean tokens;

  @Option(
      names = "--label-mass",
      description = "Also show how much of the vocabulary's probability the labels hold.")
  private boolean labelMass;

  @Override
  public Integer call() {
    List<Item> items = items();
    ScoreRequest request =
        ScoreRequest.newBuilder()
            .setQuery(query)
            .addAllItems(items)
            .setTokens(tokens)
            .setLabelMass(labelMass)
            .build();
    ScoreResponse response;
    try (Sidecar sidecar = sidecarOptions.open(this)) {
      response = BulkScore.score(sidecar, request);
    }
    if (json) {
      terminal().out().println(JsonView.line(JsonView.score(query, response, tokens)));
    } else {
      new ScoreReport(terminal()).print(items, response, tokens);
    }
    return exitCode(response);
  }

  private List<Item> items() {
    if ((file == null) == texts.isEmpty()) {
      throw usage("expected either --item or --items, found " + (file == null ? "none" : "both"));
    }
    if (file == null) {
      return texts.stream().map(text -> Item.newBuilder().setText(text).build()).toList();
    }
    ItemFile read = ItemFile.read(file, stdin());
    if (!read.unknownFields().isEmpty()) {
      terminal()
          .err()
          .println("gavel score: left out fields " + String.join(", ", read.unknownFields()));
    }
    return read.items();
  }

  /** A bad item never fails the others; where no item has a judgment, its status decides. */
  private static int exitCode(ScoreResponse response) {
    int worst = ExitCode.OK;
    for (var item : response.getItemsList()) {
      Status.Code code = Status.fromCodeValue(item.getStatus().getCode()).getCode();
      if (code == Status.Code.OK) {
        return ExitCode.OK;
      }
      worst = Math.max(worst, ExitCode.of(code));
    }
    return worst;
  }
}
