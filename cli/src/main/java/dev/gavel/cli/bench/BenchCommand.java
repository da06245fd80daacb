package dev.gavel.cli.bench;

import dev.gavel.cli.Action;
import dev.gavel.cli.EngineFlags;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.bench.ScoreBenchResult.HotItems;
import dev.gavel.cli.bench.serve.ServeBenchCommand;
import dev.gavel.cli.bench.serve.VerdictBenchCommand;
import dev.gavel.cli.json.JsonView;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.LabelTable;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel bench}. */
@Command(
    name = "bench",
    description = "Measure the engine or the trainer alone, or a whole server under load.",
    subcommands = {
      BenchCommand.Score.class,
      ExplainBenchCommand.class,
      PipeBenchCommand.class,
      ServeBenchCommand.class,
      VerdictBenchCommand.class,
      TrainBenchCommand.class
    },
    synopsisSubcommandLabel = "COMMAND")
public final class BenchCommand extends Action {
  @Override
  public Integer call() {
    throw usage("expected a command: score, explain, pipe, serve, verdict or train");
  }

  /** {@code gavel bench score}. */
  @Command(
      name = "score",
      description = "Score fresh random tokens; the ceiling is measured in the same run.")
  static final class Score extends Action {
    private static final String QUERY_FIRST = "query-first";
    private static final String ITEM_FIRST = "item-first";

    /** Rows that a label of several tokens may add below each item. */
    private static final int LABEL_ROWS_MAX = 8;

    @ArgGroup(exclusive = true, multiplicity = "1")
    private ModelFlags what;

    @ArgGroup(exclusive = false)
    private EngineFlags engineFlags = new EngineFlags();

    @ArgGroup(exclusive = false)
    private CeilingFlags ceilingFlags = new CeilingFlags();

    @Option(names = "--prefix", required = true, paramLabel = "P", description = "Shared tokens.")
    private int prefix;

    @Option(names = "--items", required = true, paramLabel = "N", description = "Items.")
    private int items;

    @Option(
        names = "--item-tokens",
        required = true,
        paramLabel = "L",
        description = "Tokens of each item.")
    private int itemTokens;

    @Option(
        names = "--order",
        paramLabel = "ORDER",
        description = {
          "query-first (the default): the prefix holds the query, items follow.",
          "item-first: besides, queries behind hot items whose keys and values are held."
        })
    private String order = QUERY_FIRST;

    @Option(
        names = "--query-tokens",
        paramLabel = "Q",
        description = "Of the prefix, in item-first order; default 10.")
    private int queryTokens = 10;

    @Option(names = "--requests", paramLabel = "R", description = "Timed requests; default 20.")
    private int requests = 20;

    @Option(names = "--warm-up", paramLabel = "W", description = "Requests before; default 3.")
    private int warmUp = 3;

    @Option(names = "--seed", paramLabel = "S", description = "Of the tokens; default: random.")
    private Long seed;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Override
    public Integer call() {
      if (requests < 1 || warmUp < 0) {
        throw usage(
            "expected at least 1 request and 0 warm-ups, found " + requests + " and " + warmUp);
      }
      ScoreShape shape;
      try {
        shape = new ScoreShape(prefix, items, itemTokens);
      } catch (IllegalArgumentException e) {
        throw usage(e.getMessage());
      }
      if (!order.equals(QUERY_FIRST) && !order.equals(ITEM_FIRST)) {
        throw usage("--order: expected query-first or item-first, found " + order);
      }
      if (itemFirst() && (queryTokens < 1 || queryTokens >= prefix)) {
        throw usage("--query-tokens: expected 1 to less than --prefix, found " + queryTokens);
      }
      long used = seed != null ? seed : ThreadLocalRandom.current().nextLong(1L << 53);
      ScoreBenchResult result = measure(shape, used);
      terminal().out().println(json ? JsonView.line(result.toJson()) : result.toText().strip());
      return ExitCode.OK;
    }

    private boolean itemFirst() {
      return order.equals(ITEM_FIRST);
    }

    private ScoreBenchResult measure(ScoreShape shape, long used) {
      EngineOptions options = options(shape);
      return what.with(
          options, used, (name, engine, labels) -> measure(name, engine, labels, shape, used));
    }

    private EngineOptions options(ScoreShape shape) {
      EngineOptions options = engineFlags.options(this);
      ceilingFlags.check(this);
      try {
        int rows = Math.toIntExact(shape.tokens() + (long) LABEL_ROWS_MAX * shape.items());
        int blocks =
            itemFirst() ? HotItemsBench.blocks(shape, queryTokens, options.blockTokens()) : 1;
        return options.withBatchTokensMax(rows).withBlocks(blocks);
      } catch (ArithmeticException e) {
        throw usage(
            "--prefix, --items and --item-tokens: expected less than 2^31 tokens, found more");
      }
    }

    private ScoreBenchResult measure(
        String name, Engine engine, List<List<int[]>> labels, ScoreShape shape, long used) {
      if (shape.prefix() + shape.itemTokens() > engine.config().maxPositions()) {
        throw usage(
            String.format(
                "--prefix and --item-tokens: expected at most %d together, found %d",
                engine.config().maxPositions(), shape.prefix() + shape.itemTokens()));
      }
      EngineInfo info = engine.info();
      Ceiling before = ceilingFlags.measure(engine, (int) shape.tokens());
      double[] seconds = new double[requests];
      HotItems hot = itemFirst() ? new HotItems(queryTokens, new double[requests]) : null;
      try (LabelTable table = engine.labels(labels)) {
        run(engine, shape, table, used, seconds, hot);
      }
      // Before and after, for the other users of this machine may come and go.
      Ceiling ceiling = before.max(ceilingFlags.measure(engine, (int) shape.tokens()));
      int forms = labels.stream().mapToInt(List::size).sum();
      RooflineLimit limit = RooflineLimit.of(engine.config(), info, forms);
      return new ScoreBenchResult(
          name, shape, engine.info(), limit, ceiling, seconds, hot, warmUp, used);
    }

    /** Both orders in turn, where both are asked for. */
    private void run(
        Engine engine,
        ScoreShape shape,
        LabelTable table,
        long used,
        double[] seconds,
        HotItems hot) {
      ScoreBench queryFirst = new ScoreBench(engine, shape, table, used);
      HotItemsBench hotItems =
          hot == null ? null : new HotItemsBench(engine, shape, queryTokens, table, used + 1);
      for (int i = -warmUp; i < requests; i++) {
        double elapsed = queryFirst.request();
        double elapsedHot = hotItems == null ? 0 : hotItems.request();
        if (i >= 0) {
          seconds[i] = elapsed;
          if (hot != null) {
            hot.seconds()[i] = elapsedHot;
          }
        }
      }
    }
  }
}
