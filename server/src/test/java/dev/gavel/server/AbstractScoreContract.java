package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.Engine;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.Order;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What holds for every model on every engine behind the server: an item's judgment depends on query
 * and item only. One subclass per pair of model and engine.
 */
abstract class AbstractScoreContract {
  private static final String[] WORDS = {
    "red", "blue", "shoe", "cup", "green tea", "für", "茶", "🍵", "size 42", "x"
  };

  private RelevanceModel model;
  private Engine engine;
  private GavelServer server;
  private ManagedChannel channel;
  private Random random;

  /** Opens the model; the contract closes it. */
  abstract RelevanceModel openModel() throws Exception;

  /** Loads its engine, with batches small enough that 207 items need several; closed likewise. */
  abstract Engine openEngine(RelevanceModel openModel) throws Exception;

  /** How far two log-probabilities of one pair may be apart, by the engine's own contract. */
  abstract double tolerance();

  @BeforeEach
  void startServer() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    random = new Random(seed);
    model = openModel();
    engine = openEngine(model);
    server = GavelServer.start(ServerConfig.defaults().withoutSockets(), model, engine);
    channel = InProcessChannelBuilder.forName(server.inProcessName()).build();
  }

  @AfterEach
  void stopServer() throws Exception {
    Harness.eventually("idle", () -> server.stats().get(Gauge.RUNNING_REQUESTS) == 0);
    Harness.eventually(
        "all KV blocks are free",
        () -> server.stats().get(Gauge.KV_BLOCKS_FREE) == server.stats().get(Gauge.KV_BLOCKS));
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    server.close();
    engine.close();
    model.close();
  }

  private RelevanceGrpc.RelevanceBlockingStub stub() {
    return RelevanceGrpc.newBlockingStub(channel);
  }

  private String text(int words) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words; i++) {
      text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
    }
    return text.toString();
  }

  private ScoreRequest request(int items) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder().setQuery(text(3));
    for (int i = 0; i < items; i++) {
      request.addItems(Item.newBuilder().setId("" + i).setText(text(1 + random.nextInt(12))));
    }
    return request.build();
  }

  private void assertSame(ScoredItem expected, ScoredItem found) {
    assertEquals(0, found.getStatus().getCode(), found.getStatus().getMessage());
    assertEquals(expected.getDistributionCount(), found.getDistributionCount());
    double sum = 0;
    for (int i = 0; i < found.getDistributionCount(); i++) {
      assertEquals(
          expected.getDistribution(i).getLogProbability(),
          found.getDistribution(i).getLogProbability(),
          tolerance());
      sum += found.getDistribution(i).getProbability();
    }
    assertEquals(1, sum, 1e-9);
  }

  private ScoredItem alone(ScoreRequest request, int item) {
    return stub()
        .score(request.toBuilder().clearItems().addItems(request.getItems(item)).build())
        .getItems(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 13, 207})
  void itemScoredInACallEqualsItemScoredAlone(int items) {
    ScoreRequest request = request(items);
    ScoreResponse response = stub().score(request);
    assertEquals(items, response.getItemsCount());
    for (int i = 0; i < items; i += Math.max(1, items / 7)) {
      assertEquals("" + i, response.getItems(i).getId());
      assertSame(alone(request, i), response.getItems(i));
    }
  }

  @Test
  void callsBesideOthersEqualCallsAlone() throws Exception {
    List<ScoreRequest> requests = new ArrayList<>();
    List<Future<ScoreResponse>> together = new ArrayList<>();
    for (int i = 0; i < 13; i++) {
      requests.add(request(1 + random.nextInt(13)));
    }
    for (ScoreRequest request : requests) {
      together.add(RelevanceGrpc.newFutureStub(channel).score(request));
    }
    for (int i = 0; i < requests.size(); i++) {
      ScoreResponse found = together.get(i).get(120, TimeUnit.SECONDS);
      ScoreResponse expected = stub().score(requests.get(i));
      for (int j = 0; j < expected.getItemsCount(); j++) {
        assertSame(expected.getItems(j), found.getItems(j));
      }
    }
  }

  @Test
  void badItemsAreAlone() {
    ScoreRequest request =
        request(3).toBuilder().setItems(1, Item.getDefaultInstance()).setLabelMass(true).build();
    ScoreResponse response = stub().score(request);
    assertEquals(3, response.getItems(1).getStatus().getCode());
    assertSame(alone(request, 0), response.getItems(0));
    assertSame(alone(request, 2), response.getItems(2));
    assertTrue(response.getItems(0).getLogLabelMass() <= 1e-6);
  }

  @ParameterizedTest
  @EnumSource(
      value = Order.class,
      names = {"LABEL_FIRST", "THINK_FIRST"})
  void explanationsAreReproducible(Order order) {
    ExplainRequest.Builder request =
        ExplainRequest.newBuilder()
            .setQuery(text(3))
            .setItem(Item.newBuilder().setText(text(5)))
            .setOrder(order)
            .setSamples(2);
    request.getSamplingBuilder().setTemperature(1).setSeed(random.nextLong()).setMaxTokens(13);
    List<ExplainEvent> first = explain(request.build());
    List<ExplainEvent> second = explain(request.build());
    assertEquals(tokens(first, 0), tokens(second, 0));
    assertEquals(tokens(first, 1), tokens(second, 1));
    assertEquals(order == Order.LABEL_FIRST, first.get(0).hasVerdict());
    ExplainEvent last = first.get(first.size() - 1);
    assertTrue(last.hasFinal());
    assertSame(second.get(second.size() - 1).getFinal().getItem(), last.getFinal().getItem());
    assertEquals(
        tokens(first, 0).size() + tokens(first, 1).size(), last.getFinal().getGeneratedTokens());
  }

  /** A stream of calls over few queries and items, beside a server that holds nothing. */
  @Test
  void heldKvChangesNothing() throws Exception {
    List<String> queries = new ArrayList<>();
    List<String> items = new ArrayList<>();
    for (int i = 0; i < 13; i++) {
      queries.add(text(1 + random.nextInt(4)));
      items.add(text(1 + random.nextInt(12)));
    }
    try (RelevanceModel bareModel = openModel();
        Engine bareEngine = openEngine(bareModel);
        GavelServer bare =
            GavelServer.start(
                Harness.withoutKvCache(ServerConfig.defaults().withoutSockets()),
                bareModel,
                bareEngine)) {
      ManagedChannel bareChannel = InProcessChannelBuilder.forName(bare.inProcessName()).build();
      List<ScoreRequest> requests = new ArrayList<>();
      List<Future<ScoreResponse>> found = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        ScoreRequest request = hot(queries, items);
        requests.add(request);
        found.add(RelevanceGrpc.newFutureStub(channel).score(request));
        if (random.nextInt(3) == 0) {
          found.get(i).get(120, TimeUnit.SECONDS);
        }
      }
      for (int i = 0; i < requests.size(); i++) {
        ScoreResponse expected = RelevanceGrpc.newBlockingStub(bareChannel).score(requests.get(i));
        for (int j = 0; j < expected.getItemsCount(); j++) {
          assertSame(expected.getItems(j), found.get(i).get(120, TimeUnit.SECONDS).getItems(j));
        }
      }
      bareChannel.shutdownNow();
      assertEquals(0, bare.stats().get(Counter.KV_CACHE_FOUND_TOKENS));
      long asked = server.stats().get(Counter.KV_CACHE_QUERIED_TOKENS);
      long hits = server.stats().get(Counter.KV_CACHE_FOUND_TOKENS);
      System.out.println("found " + hits + " of " + asked + " tokens");
      assertTrue(hits > asked / 3, () -> "found " + hits + " of " + asked + " tokens");
    }
  }

  private ScoreRequest hot(List<String> queries, List<String> items) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder().setQuery(queries.get(random.nextInt(queries.size())));
    for (int i = random.nextInt(9); i >= 0; i--) {
      request.addItems(Item.newBuilder().setText(items.get(random.nextInt(items.size()))));
    }
    return request.build();
  }

  private List<ExplainEvent> explain(ExplainRequest request) {
    List<ExplainEvent> events = new ArrayList<>();
    stub().explain(request).forEachRemaining(events::add);
    return events;
  }

  private static List<Integer> tokens(List<ExplainEvent> events, int sample) {
    return events.stream()
        .filter(e -> e.hasToken() && e.getSample() == sample)
        .map(e -> e.getToken().getId())
        .toList();
  }
}
