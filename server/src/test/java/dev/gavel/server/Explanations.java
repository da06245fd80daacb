package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gavel.engine.Sampling;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.Order;
import java.util.ArrayList;
import java.util.List;

/** Explanations of one pair, and what is in their events. */
final class Explanations {
  static final String PROMPT = "q=tea;green tea=";

  private Explanations() {}

  /** Of the pair whose prompt is {@link #PROMPT}. */
  static ExplainRequest.Builder request(Order order, int samples, int tokens) {
    ExplainRequest.Builder request =
        ExplainRequest.newBuilder()
            .setQuery("tea")
            .setItem(Item.newBuilder().setId("i").setText("green tea"))
            .setOrder(order)
            .setSamples(samples);
    request.getSamplingBuilder().setTemperature(1).setSeed(42).setMaxTokens(tokens);
    return request;
  }

  /** All events of a call. */
  static List<ExplainEvent> explain(Harness harness, ExplainRequest request) {
    List<ExplainEvent> events = new ArrayList<>();
    harness.stub().explain(request).forEachRemaining(events::add);
    return events;
  }

  static List<ExplainEvent> tokens(List<ExplainEvent> events, int sample) {
    return events.stream().filter(e -> e.hasToken() && e.getSample() == sample).toList();
  }

  static String text(List<ExplainEvent> events, int sample) {
    StringBuilder text = new StringBuilder();
    tokens(events, sample).forEach(e -> text.append(e.getToken().getText()));
    return text.toString();
  }

  static ExplainEvent end(List<ExplainEvent> events, int sample) {
    return events.stream()
        .filter(e -> e.hasSampleEnd() && e.getSample() == sample)
        .findFirst()
        .orElseThrow();
  }

  static int[] codePoints(String text) {
    return text.codePoints().toArray();
  }

  /** Follows one path token by token: each must be what the engine draws after all before it. */
  static void assertPath(String start, List<ExplainEvent> events, int sample, long seed) {
    String seen = start;
    List<ExplainEvent> tokens = tokens(events, sample);
    for (int i = 0; i < tokens.size(); i++) {
      int id = tokens.get(i).getToken().getId();
      assertEquals(
          FakeEngine.letter(codePoints(seen), new Sampling(1, 0, 1, seed), i), id, "token " + i);
      assertEquals(
          FakeEngine.logProbability(codePoints(seen), id),
          tokens.get(i).getToken().getLogProbability());
      seen += Character.toString(id);
    }
  }
}
