package dev.gavel.cli.bench.serve;

import dev.gavel.cli.Action;
import dev.gavel.cli.EngineFlags;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.ShapeConverter;
import dev.gavel.cli.TargetConverter;
import dev.gavel.cli.TemporaryFolder;
import dev.gavel.cli.client.LocalServer;
import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.client.Target;
import dev.gavel.cli.json.JsonView;
import dev.gavel.engine.DType;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.server.ServerConfig;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel bench serve}. */
@Command(
    name = "serve",
    description =
        "Load a whole server over its socket: one call at a time, as much as it takes, then at"
            + " fixed rates, whatever it answers.",
    footer = {
      "",
      "Times count from when a call should have been sent. 'added' is the whole call less the"
          + " server's own engine time.",
    })
public final class ServeBenchCommand extends Action {
  /** Who answers. */
  static final class Who {
    @Option(names = "--model", paramLabel = "DIR", description = "A model directory, served here.")
    Path model;

    @Option(
        names = "--shape",
        paramLabel = "NAME",
        converter = ShapeConverter.class,
        completionCandidates = ShapeConverter.Names.class,
        description = "Random weights of a named shape, served here: ${COMPLETION-CANDIDATES}.")
    ModelShape shape;

    @Option(
        names = "--target",
        paramLabel = "TARGET",
        converter = TargetConverter.class,
        description = "A running server: HOST:PORT or unix:/PATH.")
    Target target;
  }

  @ArgGroup(exclusive = true, multiplicity = "1")
  private Who who;

  @ArgGroup(exclusive = false)
  private EngineFlags engine = new EngineFlags();

  @Option(names = "--config", paramLabel = "FILE", description = "As for serve; not with --target.")
  private Path config;

  @Option(names = "--items", paramLabel = "N", description = "Items of a call; default 48.")
  private int items = 48;

  @Option(
      names = "--item-tokens",
      paramLabel = "L",
      description = "Tokens of an item, about; default 64.")
  private int itemTokens = 64;

  @Option(
      names = "--query-tokens",
      paramLabel = "Q",
      description = "Tokens of a query, about; default 8.")
  private int queryTokens = 8;

  @Option(
      names = "--hot-queries",
      paramLabel = "M",
      description = "Draw queries from so many; 0 (the default): each is new.")
  private int hotQueries;

  @Option(
      names = "--hot-items",
      paramLabel = "M",
      description = "Draw items from so many; 0 (the default): each is new.")
  private int hotItems;

  @Option(
      names = "--rate",
      paramLabel = "R",
      split = ",",
      description = "Calls per second. Several: one phase each.")
  private List<Double> rates = List.of();

  @Option(
      names = "--load",
      paramLabel = "X",
      split = ",",
      description = "The same as a multiple of the measured capacity: 0.8, 10.")
  private List<Double> loads = List.of();

  @Option(
      names = "--arrivals",
      paramLabel = "EVEN|POISSON",
      description = "Gaps at a fixed rate; default EVEN.")
  private Arrivals arrivals = Arrivals.EVEN;

  @Option(
      names = "--deadline",
      paramLabel = "SECONDS",
      description = "Of calls at a fixed rate; default: four times the idle median, at least 0.05.")
  private double deadline;

  @Option(
      names = "--clients",
      paramLabel = "C",
      description = "Calls at once while the capacity is measured; default 4.")
  private int clients = 4;

  @Option(names = "--seconds", paramLabel = "S", description = "Of each phase; default 10.")
  private double seconds = 10;

  @Option(names = "--warm-up", paramLabel = "S", description = "Seconds before; default 5.")
  private double warmUp = 5;

  @Option(names = "--seed", paramLabel = "S", description = "Of texts and gaps; default: random.")
  private Long seed;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    RequestShape shape = shape();
    ServeBench.Plan plan = plan();
    long used = seed != null ? seed : ThreadLocalRandom.current().nextLong(1L << 53);
    ServeBenchResult result;
    try (TemporaryFolder folder = TemporaryFolder.create();
        Sidecar sidecar = open(folder, used)) {
      int most = sidecar.model().getLimits().getItems();
      if (most > 0 && items > most) {
        throw usage("--items: expected at most the server's " + most + ", found " + items);
      }
      result = new ServeBench(sidecar, shape, plan, this::progress).run(used);
    }
    if (json) {
      terminal().out().println(JsonView.line(result.toJson()));
    } else {
      result.print(terminal());
    }
    return ExitCode.OK;
  }

  private void progress(String phase) {
    if (terminal().interactive()) {
      terminal().err().println(phase + " ...");
    }
  }

  private RequestShape shape() {
    try {
      return new RequestShape(queryTokens, items, itemTokens, hotQueries, hotItems);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private ServeBench.Plan plan() {
    within("--seconds", seconds, 0.01, 86_400);
    within("--warm-up", warmUp, 0, 86_400);
    within("--clients", clients, 1, 4096);
    within("--deadline", deadline, 0, 86_400);
    rates.forEach(rate -> within("--rate", rate, 0.001, 1e6));
    loads.forEach(load -> within("--load", load, 0.001, 1e4));
    Duration each = Duration.ofNanos(Math.round(deadline * 1e9));
    return new ServeBench.Plan(warmUp, seconds, clients, rates, loads, arrivals, each);
  }

  private void within(String name, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw usage(
          name + ": expected " + text(least) + " to " + text(most) + ", found " + text(value));
    }
  }

  private static String text(double value) {
    return Double.isFinite(value)
        ? BigDecimal.valueOf(value).stripTrailingZeros().toPlainString()
        : String.valueOf(value);
  }

  private Sidecar open(TemporaryFolder folder, long used) throws IOException {
    if (who.target != null) {
      engine.refuseWithTarget(this);
      if (config != null) {
        throw usage("--config goes with --model and --shape; with --target the server has decided");
      }
      return Sidecar.connect(who.target, Duration.ZERO);
    }
    ServerConfig chosen = engine.applyTo(EngineFlags.read(config), this);
    Path directory = who.model;
    if (directory == null) {
      directory = folder.resolve("model");
      RandomModel.write(who.shape, directory, used, DType.BF16);
    }
    return LocalServer.unix(directory, chosen, folder.resolve("gavel.sock"));
  }
}
