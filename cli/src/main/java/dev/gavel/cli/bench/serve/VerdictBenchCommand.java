package dev.gavel.cli.bench.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.cli.Action;
import dev.gavel.cli.ExitCode;
import dev.gavel.cli.TargetConverter;
import dev.gavel.cli.bench.Percentiles;
import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.client.Target;
import dev.gavel.cli.json.JsonView;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.Model;
import dev.gavel.v1.Order;
import dev.gavel.v1.Sampling;
import dev.gavel.v1.ScoreRequest;
import java.time.Duration;
import java.util.Iterator;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gavel bench verdict}. */
@Command(
    name = "verdict",
    description =
        "Time to the verdict of an explanation beside a scoring call of one item, in turn, on a"
            + " running server; every pair is new.")
public final class VerdictBenchCommand extends Action {
  private static final int QUERY_CHARS = 24;

  @Option(
      names = "--target",
      required = true,
      paramLabel = "TARGET",
      converter = TargetConverter.class,
      description = "A running server: HOST:PORT or unix:/PATH.")
  private Target target;

  @Option(names = "--requests", paramLabel = "R", description = "Timed, of each; default 50.")
  private int requests = 50;

  @Option(names = "--warm-up", paramLabel = "W", description = "Before them; default 10.")
  private int warmUp = 10;

  @Option(
      names = "--item-chars",
      paramLabel = "C",
      description = "Characters of an item; default 200.")
  private int itemChars = 200;

  @Option(names = "--seed", paramLabel = "S", description = "Of the texts; default: random.")
  private Long seed;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    if (requests < 1 || warmUp < 0 || itemChars < 1) {
      throw usage(
          "expected at least 1 request, 0 warm-ups and 1 character, found "
              + requests
              + ", "
              + warmUp
              + " and "
              + itemChars);
    }
    long used = seed != null ? seed : ThreadLocalRandom.current().nextLong(1L << 53);
    try (Sidecar sidecar = Sidecar.connect(target, Duration.ZERO)) {
      Model model = sidecar.model();
      double[] score = new double[requests];
      double[] verdict = new double[requests];
      SplittableRandom random = new SplittableRandom(used);
      for (int i = -warmUp; i < requests; i++) {
        double scored = score(sidecar, random);
        double judged = verdict(sidecar, random);
        if (i >= 0) {
          score[i] = scored;
          verdict[i] = judged;
        }
      }
      print(model, new Percentiles(score), new Percentiles(verdict), used);
    }
    return ExitCode.OK;
  }

  private double score(Sidecar sidecar, SplittableRandom random) {
    ScoreRequest request =
        ScoreRequest.newBuilder()
            .setQuery(ProductText.of(QUERY_CHARS, random))
            .addItems(item(random))
            .build();
    long start = System.nanoTime();
    sidecar.score(request);
    return (System.nanoTime() - start) * 1e-9;
  }

  /** Until the verdict is there; then the call goes on to its end, one token later. */
  private double verdict(Sidecar sidecar, SplittableRandom random) {
    ExplainRequest request =
        ExplainRequest.newBuilder()
            .setQuery(ProductText.of(QUERY_CHARS, random))
            .setItem(item(random))
            .setOrder(Order.LABEL_FIRST)
            .setSampling(Sampling.newBuilder().setTemperature(0).setMaxTokens(1))
            .build();
    long start = System.nanoTime();
    Iterator<ExplainEvent> events = sidecar.explain(request);
    if (!events.next().hasVerdict()) {
      throw new IllegalStateException("expected the verdict as the first event, found another");
    }
    double seconds = (System.nanoTime() - start) * 1e-9;
    events.forEachRemaining(event -> {});
    return seconds;
  }

  private Item item(SplittableRandom random) {
    return Item.newBuilder().setText(ProductText.of(itemChars, random)).build();
  }

  private void print(Model model, Percentiles score, Percentiles verdict, long used) {
    double ratio = verdict.median() / score.median();
    if (json) {
      ObjectNode node = JsonNodeFactory.instance.objectNode();
      node.put("verdict_over_score", ratio);
      node.set("score_seconds", seconds(score));
      node.set("verdict_seconds", seconds(verdict));
      node.put("model", model.getVersion().getName());
      node.put("quantization", model.getVersion().getQuantization());
      node.put("device", model.getVersion().getDevice());
      node.put("requests", requests).put("item_chars", itemChars).put("seed", used);
      terminal().out().println(JsonView.line(node));
    } else {
      terminal()
          .out()
          .printf(
              Locale.ROOT,
              "%s, %s on %s, seed %d%nscore of one item: median %.2f ms%n"
                  + "verdict:           median %.2f ms, %.2f times the score%n",
              model.getVersion().getName(),
              model.getVersion().getQuantization(),
              model.getVersion().getDevice(),
              used,
              score.median() * 1e3,
              verdict.median() * 1e3,
              ratio);
    }
  }

  private static ObjectNode seconds(Percentiles percentiles) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("median", percentiles.median())
        .put("p99", percentiles.at(99))
        .put("min", percentiles.at(0));
  }
}
