package dev.gavel.cli;

import dev.gavel.engine.DType;
import dev.gavel.relevance.edit.ModelFiles;
import dev.gavel.relevance.model.ModelDirectory;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gavel model}. */
@Command(
    name = "model",
    description = "Look at, make and change model directories.",
    subcommands = {
      ModelCommand.Inspect.class,
      ModelCommand.Init.class,
      PruneCommand.class,
      ExportCommand.class,
      QuantizeCommand.class
    },
    synopsisSubcommandLabel = "COMMAND")
public final class ModelCommand extends Action {
  @Override
  public Integer call() {
    throw usage("expected a command: inspect, init, prune, export or quantize");
  }

  /** {@code gavel model inspect}. */
  @Command(
      name = "inspect",
      description = "Verify a model directory and show prompt, labels, tensors and limits.")
  static final class Inspect extends Action {
    @Parameters(paramLabel = "DIR", description = "Model directory.")
    private Path directory;

    @Override
    public Integer call() {
      terminal().out().println(ModelDirectory.inspect(directory).toText().stripTrailing());
      return ExitCode.OK;
    }
  }

  /** {@code gavel model init}. */
  @Command(
      name = "init",
      description = "Write a model directory with random weights, for benchmarks and tests.")
  static final class Init extends Action {
    @Option(
        names = "--shape",
        required = true,
        paramLabel = "NAME",
        converter = ShapeConverter.class,
        completionCandidates = ShapeConverter.Names.class,
        description = "One of: ${COMPLETION-CANDIDATES}.")
    private ModelShape shape;

    @Option(
        names = "--out",
        required = true,
        paramLabel = "DIR",
        description = "A folder that does not exist yet, or is empty.")
    private Path out;

    @Option(names = "--seed", paramLabel = "S", description = "Of the weights; default 0.")
    private long seed;

    @Option(
        names = "--dtype",
        paramLabel = "f32|f16|bf16",
        description = "Element type on disk; default bf16.")
    private DType dtype = DType.BF16;

    @Override
    public Integer call() throws IOException {
      ModelFiles.prepare(out);
      RandomModel.write(shape, out, seed, dtype);
      terminal().out().println(out + ": " + shape.name() + ", seed " + seed);
      return ExitCode.OK;
    }
  }
}
