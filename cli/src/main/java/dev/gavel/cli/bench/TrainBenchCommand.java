package dev.gavel.cli.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.cli.Action;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.TemporaryFolder;
import dev.gavel.cli.json.JsonView;
import dev.gavel.engine.DType;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Precision;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.util.Locale;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel bench train}. */
@Command(name = "train", description = "Train on fresh random tokens, all weights.")
final class TrainBenchCommand extends Action {
  @ArgGroup(exclusive = true, multiplicity = "1")
  private ModelFlags what;

  @Option(names = "--sequences", paramLabel = "N", description = "Of a step; default 48.")
  private int sequences = 48;

  @Option(names = "--shortest", paramLabel = "L", description = "Tokens; default 20.")
  private int shortest = 20;

  @Option(names = "--longest", paramLabel = "L", description = "Tokens; default 40.")
  private int longest = 40;

  @Option(names = "--steps", paramLabel = "S", description = "Timed steps; default 5.")
  private int steps = 5;

  @Option(names = "--warm-up", paramLabel = "W", description = "Steps before; default 2.")
  private int warmUp = 2;

  @Option(names = "--precision", paramLabel = "FP32|BF16", description = "Default FP32.")
  private Precision precision = Precision.FP32;

  @Option(names = "--threads", paramLabel = "T", description = "CPU threads; default: all cores.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--seed", paramLabel = "S", description = "Of weights and tokens; default 1.")
  private long seed = 1;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (steps < 1 || warmUp < 0 || threads < 1) {
      throw usage(
          String.format(
              "expected at least 1 step, 0 warm-ups and 1 thread, found %d, %d and %d",
              steps, warmUp, threads));
    }
    TrainBench.Batch batch;
    try {
      batch = new TrainBench.Batch(sequences, shortest, longest);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
    Torch.load();
    Torch.threads(threads);
    TrainBench.Timing timing;
    try (CausalLm model = load()) {
      timing = new TrainBench(model, batch, seed).run(warmUp, steps);
    }
    terminal().out().println(json ? JsonView.line(toJson(timing)) : toText(timing));
    return ExitCode.OK;
  }

  private CausalLm load() throws IOException {
    if (what.model != null) {
      return CausalLm.load(what.model, precision);
    }
    try (TemporaryFolder folder = TemporaryFolder.create()) {
      RandomModel.write(what.shape, folder.path(), seed, DType.BF16);
      return CausalLm.load(folder.path(), precision);
    }
  }

  private String name() {
    return what.shape != null ? what.shape.name() : what.model.getFileName().toString();
  }

  private ObjectNode toJson(TrainBench.Timing timing) {
    Percentiles percentiles = new Percentiles(timing.seconds());
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("tokens_per_second", timing.tokensPerSecond());
    node.put("tokens_per_cpu_second", timing.tokensPerCpuSecond());
    percentiles.putTo(node.putObject("seconds"));
    node.put("loss", timing.loss()).put("model", name());
    node.put("precision", precision.name()).put("threads", threads);
    node.put("sequences", sequences).put("shortest", shortest).put("longest", longest);
    return node.put("steps", steps).put("warm_up_steps", warmUp).put("seed", seed);
  }

  private String toText(TrainBench.Timing timing) {
    return String.format(
        Locale.ROOT,
        "%s, %s, %d threads: %.0f tokens/s (%d sequences of %d to %d tokens; step: median %.2f s)",
        name(),
        precision,
        threads,
        timing.tokensPerSecond(),
        sequences,
        shortest,
        longest,
        new Percentiles(timing.seconds()).median());
  }
}
