package dev.gavel.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.cli.json.JsonView;
import dev.gavel.relevance.edit.ModelPruner;
import dev.gavel.relevance.edit.PruneReport;
import dev.gavel.relevance.edit.PruneSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel model prune}. */
@Command(
    name = "prune",
    description = "Take layers and tokens from a model; what stays is not changed.",
    footer = {
      "",
      "Tokens stay in this order, up to the number asked for: those of single bytes, special tokens"
          + " in use, the prompt and the labels; then the most frequent ones of the corpora, each"
          + " with the tokens it is merged from.",
    })
final class PruneCommand extends Action {
  @Option(names = "--model", required = true, paramLabel = "DIR", description = "Model to prune.")
  private Path model;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "A folder that does not exist yet, or is empty.")
  private Path out;

  @Option(
      names = "--layers",
      paramLabel = "LAYERS",
      description = "Keep the first N, or those named, such as 0-9,28,29.")
  private String layers;

  @Option(
      names = "--vocabulary",
      paramLabel = "N",
      description = "Keep at most N tokens; needs --corpus.")
  private int vocabulary;

  @Option(
      names = "--corpus",
      paramLabel = "FILE.jsonl",
      description = "Pairs or items whose tokens are counted, one JSON object a line; .gz is fine.")
  private List<Path> corpora = new ArrayList<>();

  @Option(
      names = "--manifest",
      paramLabel = "gavel.json",
      description = "Manifest for the result; the tokens of its texts stay. Default: the model's.")
  private Path manifest;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (layers == null && vocabulary == 0) {
      throw usage("expected --layers or --vocabulary, found neither");
    }
    if (vocabulary < 0 || (vocabulary == 0) != corpora.isEmpty()) {
      throw usage("expected --vocabulary N together with --corpus");
    }
    PruneReport report;
    try {
      report = ModelPruner.prune(model, out, new PruneSpec(layers, vocabulary, corpora, manifest));
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
    if (json) {
      terminal().out().println(JsonView.line(toJson(report)));
    } else {
      print(report);
    }
    return ExitCode.OK;
  }

  private static ObjectNode toJson(PruneReport report) {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    put(node.putObject("before"), report.before());
    put(node.putObject("after"), report.after());
    node.put("corpus_tokens", report.corpusTokens());
    node.put("corpus_tokens_kept", report.corpusTokensKept());
    return node;
  }

  private static void put(ObjectNode node, PruneReport.Size size) {
    node.put("layers", size.layers());
    node.put("vocabulary", size.vocabulary());
    node.put("parameters", size.parameters());
    node.put("bytes", size.bytes());
  }

  private void print(PruneReport report) {
    PruneReport.Size before = report.before();
    PruneReport.Size after = report.after();
    line("layers", before.layers(), after.layers());
    line("tokens", before.vocabulary(), after.vocabulary());
    line("parameters", before.parameters(), after.parameters());
    line("bytes", before.bytes(), after.bytes());
    if (report.corpusTokens() > 0) {
      terminal()
          .out()
          .printf(
              Locale.ROOT,
              "%-11s %.3f%% of the corpus's %,d tokens stay as they are%n",
              "corpus",
              100.0 * report.corpusTokensKept() / report.corpusTokens(),
              report.corpusTokens());
    }
  }

  private void line(String what, long before, long after) {
    terminal().out().printf(Locale.ROOT, "%-11s %,d -> %,d%n", what, before, after);
  }
}
