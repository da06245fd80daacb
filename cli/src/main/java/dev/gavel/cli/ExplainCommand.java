package dev.gavel.cli;

import dev.gavel.cli.client.Sidecar;
import dev.gavel.cli.json.JsonView;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.Order;
import dev.gavel.v1.Sampling;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gavel explain}. */
@Command(name = "explain", description = "Judge one pair and stream the reasoning behind it.")
public final class ExplainCommand extends Action {
  @Mixin private SidecarOptions sidecarOptions;

  @Option(names = "--query", required = true, paramLabel = "Q", description = "Shopper's query.")
  private String query;

  @Option(names = "--item", required = true, paramLabel = "TEXT", description = "The item's text.")
  private String item;

  @Option(
      names = "--order",
      paramLabel = "label-first|think-first",
      converter = OrderConverter.class,
      description = "Whether the label comes before the reasoning; default: the model's own.")
  private Order order = Order.ORDER_UNSPECIFIED;

  @Option(
      names = "--samples",
      paramLabel = "N",
      description = "Reasoning paths; default 1. Think-first averages their distributions.")
  private int samples = 1;

  @Option(names = "--seed", paramLabel = "S", description = "Same seed, same reasoning.")
  private String seed;

  @Option(names = "--temperature", paramLabel = "T", description = "0 is greedy.")
  private Float temperature;

  @Option(names = "--top-k", paramLabel = "K", description = "0 keeps all tokens.")
  private Integer topK;

  @Option(names = "--top-p", paramLabel = "P", description = "1 keeps all tokens.")
  private Float topP;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Reasoning tokens per path.")
  private Integer maxTokens;

  @Option(names = "--stop", paramLabel = "TEXT", description = "Ends the reasoning. Repeatable.")
  private List<String> stop = new ArrayList<>();

  @Option(names = "--json", description = "Print one JSON object a line, as events arrive.")
  private boolean json;

  @Override
  public Integer call() {
    ExplainRequest request = request();
    ExplainReport report = new ExplainReport(terminal(), request.getSamples());
    try (Sidecar sidecar = sidecarOptions.open(this)) {
      Iterator<ExplainEvent> events = sidecar.explain(request);
      while (events.hasNext()) {
        if (json) {
          terminal().out().println(JsonView.line(JsonView.event(events.next())));
          terminal().out().flush();
        } else {
          report.accept(events.next());
        }
      }
    }
    return ExitCode.OK;
  }

  private ExplainRequest request() {
    Sampling.Builder sampling = Sampling.newBuilder().addAllStop(stop);
    if (seed != null) {
      sampling.setSeed(parseSeed());
    }
    if (temperature != null) {
      sampling.setTemperature(temperature);
    }
    if (topK != null) {
      sampling.setTopK(topK);
    }
    if (topP != null) {
      sampling.setTopP(topP);
    }
    if (maxTokens != null) {
      sampling.setMaxTokens(maxTokens);
    }
    return ExplainRequest.newBuilder()
        .setQuery(query)
        .setItem(Item.newBuilder().setText(item))
        .setOrder(order)
        .setSamples(samples)
        .setSampling(sampling)
        .build();
  }

  private long parseSeed() {
    try {
      return seed.startsWith("-") ? Long.parseLong(seed) : Long.parseUnsignedLong(seed);
    } catch (NumberFormatException e) {
      throw usage("--seed: expected a whole number of 64 bits, found '" + seed + "'");
    }
  }
}
