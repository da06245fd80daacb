package dev.gavel.cli.bench;

import dev.gavel.cli.Action;
import dev.gavel.cli.EngineFlags;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.json.JsonView;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.LabelTable;
import dev.gavel.relevance.RelevanceModel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel bench pipe}. */
@Command(
    name = "pipe",
    description = "Answer orders on standard input, one of JSON a line; for benchmarks/compare.py.")
final class PipeBenchCommand extends Action {
  /** Requests beyond it are refused; room is taken as requests need it. */
  private static final int BATCH_TOKENS_MAX = 1 << 16;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "A model directory.")
  private Path model;

  @Option(
      names = "--labels",
      required = true,
      split = ",",
      paramLabel = "ID",
      description = "Tokens to compare after each item.")
  private List<Integer> labels;

  @ArgGroup(exclusive = false)
  private EngineFlags engineFlags = new EngineFlags();

  @ArgGroup(exclusive = false)
  private CeilingFlags ceilingFlags = new CeilingFlags();

  @Override
  public Integer call() throws IOException {
    EngineOptions options =
        engineFlags.options(this).withBatchTokensMax(BATCH_TOKENS_MAX).withBlocks(1);
    ceilingFlags.check(this);
    try (RelevanceModel opened = RelevanceModel.open(model);
        Engine engine = opened.loadEngine(options);
        LabelTable table =
            engine.labels(labels.stream().map(id -> List.of(new int[] {id})).toList());
        BufferedReader orders =
            new BufferedReader(new InputStreamReader(stdin(), StandardCharsets.UTF_8))) {
      PipeBench bench = new PipeBench(engine, table, ceilingFlags);
      terminal().out().println(JsonView.line(bench.about(opened.name())));
      for (String line = orders.readLine(); line != null; line = orders.readLine()) {
        terminal().out().println(JsonView.line(bench.answer(line)));
      }
    }
    return ExitCode.OK;
  }
}
