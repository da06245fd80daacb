package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.EngineException;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.Order;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** KV that later calls find: what is computed, and that nothing but the cost changes. */
class KvCacheTest {
  /** Rows that the labels add to each item of the fake model. */
  private static final int LABEL_ROWS = 1;

  private static Harness harness(FakeModel model, int blocks) throws Exception {
    return new Harness(Harness.config(), model, new FakeEngine(Harness.ROWS, 8, blocks));
  }

  /** Scores, asserts the answers, and returns how many rows were computed. */
  private static long rows(Harness harness, ScoreRequest request) {
    long before = harness.engine.rows();
    assertAnswers(harness.model, request, harness.stub().score(request));
    return harness.engine.rows() - before;
  }

  private static void assertAnswers(FakeModel model, ScoreRequest request, ScoreResponse response) {
    for (int i = 0; i < request.getItemsCount(); i++) {
      int[] prompt = model.prompt(request.getQuery(), request.getItems(i).getText());
      Harness.assertJudged(prompt, response.getItems(i));
    }
  }

  @Test
  void queryFirstComputesOnlyWhatNoEarlierCallHad() throws Exception {
    try (Harness harness = harness(new FakeModel(), 64)) {
      ScoreRequest first = Harness.request("red shoes", "a boot", "socks").build();
      long items = "a boot=socks=".length() + 2 * LABEL_ROWS;
      assertEquals("q=red shoes;".length() + items, rows(harness, first));
      assertEquals(items, rows(harness, first));
      ScoreRequest other = Harness.request("red sandals", "a boot", "socks").build();
      assertEquals("andals;".length() + items, rows(harness, other));
      assertEquals(items, rows(harness, first));
      assertEquals(items, rows(harness, other));
      int queried = 3 * "q=red shoes;".length() + 2 * "q=red sandals;".length();
      int found = 2 * "q=red shoes;".length() + "q=red s".length() + "q=red sandals;".length();
      Harness.eventually(
          "counted", () -> harness.server.stats().get(Counter.KV_CACHE_QUERIED_TOKENS) == queried);
      assertEquals(found, harness.server.stats().get(Counter.KV_CACHE_FOUND_TOKENS));
    }
  }

  @Test
  void itemFirstComputesHotItemsOnce() throws Exception {
    try (Harness harness = harness(FakeModel.itemFirst(), 64)) {
      ScoreRequest first = Harness.request("shoes", "red boot", "red socks").build();
      assertEquals(
          "judge red boot q=shoes;=red socks q=shoes;=".length() + 2 * LABEL_ROWS,
          rows(harness, first));
      ScoreRequest second = Harness.request("warm", "red socks", "red boot").build();
      assertEquals(2 * ("warm;=".length() + LABEL_ROWS), rows(harness, second));
      ScoreRequest third = Harness.request("cap", "red boot", "red hat").build();
      assertEquals(2 * ("cap;=".length() + LABEL_ROWS) + "hat q=".length(), rows(harness, third));
    }
  }

  @Test
  void switchedOffNothingIsHeld() throws Exception {
    ServerConfig config = Harness.withoutKvCache(Harness.config());
    try (Harness harness = Harness.with(config)) {
      ScoreRequest request = Harness.request("red shoes", "a boot").build();
      assertEquals(rows(harness, request), rows(harness, request));
      Harness.assertAnswers(
          Harness.request("large", 300).build(),
          harness.stub().score(Harness.request("large", 300).build()));
      harness.awaitIdle();
      assertEquals(0, harness.gauge(Gauge.KV_BLOCKS_CACHED));
      assertEquals(0, harness.server.stats().get(Counter.KV_CACHE_QUERIED_TOKENS));
      assertEquals(0, harness.server.stats().get(Counter.PREFIX_RECOMPUTED));
    }
  }

  @Test
  void aFailedBatchLeavesNothingToFind() throws Exception {
    try (Harness harness = harness(FakeModel.itemFirst(), 64)) {
      harness.engine.beforeRun =
          batch -> {
            throw new EngineException(EngineException.Code.INTERNAL, "broken on purpose");
          };
      ScoreRequest request = Harness.request("shoes", "red boot").build();
      harness.refused(request);
      harness.awaitIdle();
      assertEquals(0, harness.gauge(Gauge.KV_BLOCKS_CACHED));
      harness.engine.beforeRun = batch -> {};
      assertEquals("judge red boot q=shoes;=".length() + LABEL_ROWS, rows(harness, request));
    }
  }

  @Test
  void aCancelledBatchLeavesNothingToFind() throws Exception {
    try (Harness harness = harness(FakeModel.itemFirst(), 64)) {
      BatchGate gate = harness.gate();
      ScoreRequest request = Harness.request("shoes", "red boot").build();
      Future<ScoreResponse> left = RelevanceGrpc.newFutureStub(harness.channel()).score(request);
      gate.awaitBatch();
      left.cancel(true);
      Harness.eventually("stopped", () -> harness.engine.cancelledBatches() == 1);
      harness.awaitIdle();
      assertEquals(0, harness.gauge(Gauge.KV_BLOCKS_CACHED));
      gate.open();
      assertEquals("judge red boot q=shoes;=".length() + LABEL_ROWS, rows(harness, request));
    }
  }

  private static ExplainRequest explanation(String query, String item, Order order) {
    ExplainRequest.Builder request =
        ExplainRequest.newBuilder()
            .setQuery(query)
            .setItem(Item.newBuilder().setText(item))
            .setOrder(order);
    request.getSamplingBuilder().setMaxTokens(5).setTemperature(0);
    return request.build();
  }

  private static String explain(Harness harness, ExplainRequest request) {
    StringBuilder text = new StringBuilder();
    Iterator<ExplainEvent> events = harness.stub().explain(request);
    while (events.hasNext()) {
      ExplainEvent event = events.next();
      text.append(event.getToken().getText());
      if (event.hasFinal() && request.getOrder() == Order.LABEL_FIRST) {
        int[] prompt = harness.model.prompt(request.getQuery(), request.getItem().getText());
        Harness.assertJudged(prompt, event.getFinal().getItem());
      }
    }
    return text.toString();
  }

  @ParameterizedTest
  @EnumSource(
      value = Order.class,
      names = {"LABEL_FIRST", "THINK_FIRST"})
  void explanationsFindTheirPrompt(Order order) throws Exception {
    try (Harness harness = harness(new FakeModel(), 64)) {
      ScoreRequest score = Harness.request("red shoes", "a boot").build();
      rows(harness, score);
      ExplainRequest request = explanation("red shoes", "a boot", order);
      long start = harness.engine.rows();
      String text = explain(harness, request);
      long first = harness.engine.rows() - start;
      assertEquals(text, explain(harness, request));
      long second = harness.engine.rows() - start - first;
      // The first finds the query, the second the item too; the last token is computed again.
      assertEquals(first - "a boot".length(), second);
      assertEquals("a boot=".length() + LABEL_ROWS, rows(harness, score));
    }
  }

  @Test
  void explanationsGoBeforeWhatIsOnlyHeld() throws Exception {
    try (Harness harness = harness(FakeModel.itemFirst(), 20)) {
      rows(harness, Harness.request("shoes", 40).build());
      harness.awaitIdle();
      assertTrue(harness.gauge(Gauge.KV_BLOCKS_CACHED) > 15);
      // Prompt and path need all but a few of the 20 blocks.
      ExplainRequest.Builder request =
          explanation("shoes", "x".repeat(60), Order.LABEL_FIRST).toBuilder();
      request.getSamplingBuilder().setMaxTokens(48);
      explain(harness, request.build());
      Harness.eventually(
          "blocks were given up",
          () -> harness.server.stats().get(Counter.KV_CACHE_EVICTED_BLOCKS) > 0);
    }
  }

  /**
   * Calls and explanations at once over few queries and items; some batches fail, some are left.
   */
  @ParameterizedTest
  @CsvSource({
    "false, 0", "false, 3", "false, 21", "false, 64", "false, 999",
    "true, 0", "true, 3", "true, 21", "true, 64", "true, 999"
  })
  void randomStreamsGetWhatTheyWouldGetAlone(boolean itemFirst, int blocks) throws Exception {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    FakeModel model = itemFirst ? FakeModel.itemFirst() : new FakeModel();
    try (Harness harness = harness(model, blocks)) {
      Random failures = new Random(seed + 1); // the loop's thread draws from it
      harness.engine.beforeRun =
          batch -> {
            if (failures.nextInt(20) == 0) {
              throw new EngineException(EngineException.Code.INTERNAL, "broken on purpose");
            }
          };
      RelevanceGrpc.RelevanceFutureStub stub = RelevanceGrpc.newFutureStub(harness.channel());
      for (int round = 0; round < 40; round++) {
        List<ScoreRequest> requests = new ArrayList<>();
        List<Future<ScoreResponse>> answers = new ArrayList<>();
        for (int i = random.nextInt(7); i >= 0; i--) {
          requests.add(request(random));
          answers.add(stub.score(requests.get(requests.size() - 1)));
        }
        if (random.nextInt(4) == 0) {
          answers.get(0).cancel(true);
        }
        if (blocks >= 64 && random.nextInt(4) == 0) {
          Order order = random.nextBoolean() ? Order.LABEL_FIRST : Order.THINK_FIRST;
          tryExplain(harness, explanation(query(random), item(random), order));
        }
        for (int i = 0; i < answers.size(); i++) {
          assertAnswered(model, requests.get(i), answers.get(i));
        }
      }
      harness.engine.beforeRun = batch -> {};
      assertTrue(harness.gauge(Gauge.KV_BLOCKS_CACHED) <= blocks);
    }
  }

  private static void tryExplain(Harness harness, ExplainRequest request) {
    try {
      explain(harness, request);
    } catch (StatusRuntimeException e) {
      assertEquals("ENGINE_FAILED", Harness.reason(e));
    }
  }

  /** Failed on purpose, cancelled, or right. */
  private static void assertAnswered(
      FakeModel model, ScoreRequest request, Future<ScoreResponse> answer) throws Exception {
    try {
      if (!answer.isCancelled()) {
        assertAnswers(model, request, answer.get(60, TimeUnit.SECONDS));
      }
    } catch (ExecutionException e) {
      assertEquals("ENGINE_FAILED", Harness.reason((StatusRuntimeException) e.getCause()));
    }
  }

  private static String query(Random random) {
    return "red shoes for men".substring(0, 3 + random.nextInt(9)) + random.nextInt(3);
  }

  private static String item(Random random) {
    return "a boot of leather, blue, with a very long description"
            .substring(0, 1 + random.nextInt(45))
        + random.nextInt(4);
  }

  private static ScoreRequest request(Random random) {
    int items = random.nextInt(5) == 0 ? 40 : 1 + random.nextInt(7);
    String[] texts = new String[items];
    for (int i = 0; i < items; i++) {
      texts[i] = item(random);
    }
    return Harness.request(query(random), texts).build();
  }
}
