package dev.gavel.cli.bench;

import dev.gavel.cli.Action;
import dev.gavel.cli.EngineFlags;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.json.JsonView;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel bench explain}. */
@Command(
    name = "explain",
    description = "Decode greedily; the memory's bandwidth is measured between the rounds.")
final class ExplainBenchCommand extends Action {
  @ArgGroup(exclusive = true, multiplicity = "1")
  private ModelFlags what;

  @ArgGroup(exclusive = false)
  private EngineFlags engineFlags = new EngineFlags();

  @ArgGroup(exclusive = false)
  private CeilingFlags ceilingFlags = new CeilingFlags();

  @Option(names = "--streams", paramLabel = "N", description = "Decoded together; default 1.")
  private int streams = 1;

  @Option(names = "--prompt", paramLabel = "P", description = "Tokens before; default 96.")
  private int prompt = 96;

  @Option(names = "--tokens", paramLabel = "T", description = "Tokens of a stream; default 64.")
  private int tokens = 64;

  @Option(names = "--rounds", paramLabel = "R", description = "Timed rounds; default 8.")
  private int rounds = 8;

  @Option(names = "--seed", paramLabel = "S", description = "Of the tokens; default: random.")
  private Long seed;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    if (rounds < 1) {
      throw usage("--rounds: expected at least 1, found " + rounds);
    }
    DecodeShape shape;
    try {
      shape = new DecodeShape(streams, prompt, tokens);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
    long used = seed != null ? seed : ThreadLocalRandom.current().nextLong(1L << 53);
    ExplainBenchResult result = measure(shape, used);
    terminal().out().println(json ? JsonView.line(result.toJson()) : result.toText().strip());
    return ExitCode.OK;
  }

  private ExplainBenchResult measure(DecodeShape shape, long used) {
    EngineOptions options = options(shape);
    return what.with(options, used, (name, engine, labels) -> measure(name, engine, shape, used));
  }

  private EngineOptions options(DecodeShape shape) {
    EngineOptions options = engineFlags.options(this);
    ceilingFlags.check(this);
    try {
      return options
          .withBatchTokensMax(Math.multiplyExact(shape.streams(), shape.prompt()))
          .withBlocks(ExplainBench.blocks(shape, options.blockTokens()));
    } catch (ArithmeticException e) {
      throw usage("--streams, --prompt and --tokens: expected less than 2^31 tokens, found more");
    }
  }

  private ExplainBenchResult measure(String name, Engine engine, DecodeShape shape, long used) {
    if (shape.length() > engine.config().maxPositions()) {
      throw usage(
          String.format(
              "--prompt and --tokens: expected at most %d together, found %d",
              engine.config().maxPositions(), shape.length()));
    }
    List<ExplainBench.Round> timed =
        new ExplainBench(engine, shape, used).run(rounds, () -> ceilingFlags.bandwidth(engine));
    DecodeLimit limit = DecodeLimit.of(engine.config(), engine.info());
    return new ExplainBenchResult(name, shape, engine.info(), limit, timed, used);
  }
}
