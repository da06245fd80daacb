package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ResultCachingTest {
  @TempDir Path directory;

  private static ServerConfig caching(ServerConfig config) {
    return config.withResultCache(new ServerConfig.ResultCaching(1 << 20, 3600));
  }

  private static Harness harness() throws Exception {
    return Harness.with(caching(Harness.config()));
  }

  private static List<Boolean> cached(ScoreResponse response) {
    return response.getItemsList().stream().map(ScoredItem::getCached).toList();
  }

  private static ScoreResponse withoutCachedAndTimes(ScoreResponse response) {
    ScoreResponse.Builder plain = response.toBuilder().clearTimes();
    plain.getItemsBuilderList().forEach(ScoredItem.Builder::clearCached);
    return plain.build();
  }

  @Test
  void offByDefault() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      ScoreRequest request = Harness.request("tea", 3).build();
      harness.stub().score(request);
      assertEquals(List.of(false, false, false), cached(harness.stub().score(request)));
      assertEquals(2, harness.engine.batches());
    }
  }

  @Test
  void theSameAnswerWithoutTheEngine() throws Exception {
    try (Harness harness = harness()) {
      ScoreRequest request = Harness.request("tea", 13).build();
      ScoreResponse first = harness.stub().score(request);
      Harness.assertAnswers(request, first);
      ScoreResponse second = harness.stub().score(request);
      assertEquals(withoutCachedAndTimes(first), withoutCachedAndTimes(second));
      assertTrue(second.getItemsList().stream().allMatch(ScoredItem::getCached));
      assertFalse(first.getItemsList().stream().anyMatch(ScoredItem::getCached));
      assertEquals(1, harness.engine.batches());
      assertEquals(13, harness.server.stats().get(Counter.RESULT_CACHE_FOUND_ITEMS));
    }
  }

  @Test
  void whatIsNotKnownGoesOnAsASmallerBatch() throws Exception {
    try (Harness harness = harness()) {
      harness.stub().score(Harness.request("tea", "green tea", "black tea").build());
      long rows = harness.engine.rows();
      ScoreRequest mixed =
          Harness.request("tea", "a cup", "black tea", "  ", "a pot", "green tea").build();
      ScoreResponse response = harness.stub().score(mixed);
      assertEquals(List.of(false, true, false, false, true), cached(response));
      for (int i : new int[] {0, 1, 3, 4}) {
        Harness.assertJudged(Harness.prompt(mixed, i), response.getItems(i));
      }
      assertEquals(
          Status.Code.INVALID_ARGUMENT.value(), response.getItems(2).getStatus().getCode());
      // Both items with "=" and the trie's inner node; the prefix is in the block cache.
      long items = "a cup".length() + "a pot".length() + 2 * 2;
      long prefix = "q=tea;".length();
      long computed = harness.engine.rows() - rows;
      assertTrue(computed >= items && computed <= items + prefix, "rows: " + computed);
    }
  }

  /** Neither a full queue nor a device that stands still keeps a known answer back. */
  @Test
  void knownAnswersNeverReachTheQueue() throws Exception {
    ServerConfig config = caching(Harness.config()).withLimits(Harness.limits(4, 1000, 4, 8, 4));
    BatchGate gate = new BatchGate();
    try (Harness harness = Harness.with(config)) {
      ScoreRequest known = Harness.request("tea", 3).build();
      ScoreResponse first = harness.stub().score(known);
      harness.engine.beforeRun = gate;
      Future<ScoreResponse> running = new Callers(harness).score(Harness.request("cup", 4).build());
      gate.awaitBatch();
      Status.Code refused = Status.Code.OK;
      try {
        harness.stub().score(Harness.request("pot", 1).build());
      } catch (StatusRuntimeException e) {
        refused = e.getStatus().getCode();
      }
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, refused);
      ScoreResponse again = harness.stub().score(known);
      assertEquals(withoutCachedAndTimes(first), withoutCachedAndTimes(again));
      gate.open();
      running.get();
    }
  }

  @Test
  void labelMassIsAQuestionOfItsOwn() throws Exception {
    try (Harness harness = harness()) {
      ScoreRequest plain = Harness.request("tea", 2).build();
      ScoreRequest withMass = plain.toBuilder().setLabelMass(true).build();
      harness.stub().score(plain);
      ScoreResponse first = harness.stub().score(withMass);
      assertEquals(List.of(false, false), cached(first));
      assertEquals(
          FakeEngine.logMass(Harness.prompt(plain, 0)), first.getItems(0).getLogLabelMass(), 0);
      ScoreResponse second = harness.stub().score(withMass);
      assertEquals(List.of(true, true), cached(second));
      assertEquals(withoutCachedAndTimes(first), withoutCachedAndTimes(second));
    }
  }

  @Test
  void whoAsksForTokensGetsThemComputed() throws Exception {
    try (Harness harness = harness()) {
      ScoreRequest plain = Harness.request("tea", 2).build();
      harness.stub().score(plain);
      ScoreResponse response = harness.stub().score(plain.toBuilder().setTokens(true).build());
      assertEquals(List.of(false, false), cached(response));
      assertNotEquals(0, response.getItems(1).getSuffixTokensCount());
    }
  }

  @Test
  void whatFailedIsNotKept() throws Exception {
    try (Harness harness = harness()) {
      ScoreRequest request = Harness.request("tea", "green tea", "bad").build();
      harness.engine.poison = "bad=".codePoints().toArray();
      assertEquals(
          Status.Code.INTERNAL.value(),
          harness.stub().score(request).getItems(1).getStatus().getCode());
      harness.engine.poison = null;
      ScoreResponse second = harness.stub().score(request);
      Harness.assertAnswers(request, second);
      assertEquals(List.of(true, false), cached(second));
    }
  }

  @Test
  void truncationIsStillReported() throws Exception {
    try (Harness harness = harness()) {
      ScoreRequest request = Harness.request("tea", "long ".repeat(40)).build();
      int cut = harness.stub().score(request).getItems(0).getTruncatedTokens();
      assertTrue(cut > 0);
      ScoredItem again = harness.stub().score(request).getItems(0);
      assertTrue(again.getCached());
      assertEquals(cut, again.getTruncatedTokens());
    }
  }

  /** Cached or computed beside whatever else, an answer is the same to the last bit. */
  @ParameterizedTest
  @EnumSource(
      value = Quantization.class,
      names = {"FP32", "INT8"})
  void bitEqualOnTheRealEngine(Quantization quantization) throws Exception {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    RandomModel.write(ModelShape.of("tiny"), directory, seed, DType.F32);
    EngineOptions options =
        EngineOptions.defaults().withThreads(1).withBlocks(64).withQuantization(quantization);
    ServerConfig config = ServerConfig.defaults().withoutSockets();
    try (RelevanceModel model = RelevanceModel.open(directory);
        Engine engine = model.loadEngine(options);
        Engine second = model.loadEngine(options);
        GavelServer plain = GavelServer.start(config, model, engine);
        GavelServer caching = GavelServer.start(caching(config), model, second)) {
      ManagedChannel toPlain = InProcessChannelBuilder.forName(plain.inProcessName()).build();
      ManagedChannel toCaching = InProcessChannelBuilder.forName(caching.inProcessName()).build();
      for (int round = 0; round < 12; round++) {
        String[] texts =
            IntStream.range(0, 1 + random.nextInt(13))
                .mapToObj(i -> "item " + "x ".repeat(random.nextInt(3)) + random.nextInt(9))
                .toArray(String[]::new);
        ScoreRequest request = Harness.request("query " + random.nextInt(2), texts).build();
        assertEquals(
            withoutCachedAndTimes(RelevanceGrpc.newBlockingStub(toPlain).score(request)),
            withoutCachedAndTimes(RelevanceGrpc.newBlockingStub(toCaching).score(request)));
      }
      assertTrue(caching.stats().get(Counter.RESULT_CACHE_FOUND_ITEMS) > 0);
      toPlain.shutdownNow();
      toCaching.shutdownNow();
    }
  }
}
