package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.EngineException;
import dev.gavel.engine.Sampling;
import dev.gavel.relevance.Limits;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.FinishReason;
import dev.gavel.v1.Item;
import dev.gavel.v1.Order;
import dev.gavel.v1.ScoreRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExplainTest {
  private static final String PROMPT = "q=tea;green tea=";

  private Harness harness;

  @BeforeEach
  void start() throws Exception {
    harness = Harness.inProcess();
  }

  @AfterEach
  void stop() throws Exception {
    harness.close();
  }

  private static ExplainRequest.Builder request(Order order, int samples, int tokens) {
    ExplainRequest.Builder request =
        ExplainRequest.newBuilder()
            .setQuery("tea")
            .setItem(Item.newBuilder().setId("i").setText("green tea"))
            .setOrder(order)
            .setSamples(samples);
    request.getSamplingBuilder().setTemperature(1).setSeed(42).setMaxTokens(tokens);
    return request;
  }

  private List<ExplainEvent> explain(ExplainRequest request) {
    List<ExplainEvent> events = new ArrayList<>();
    harness.stub().explain(request).forEachRemaining(events::add);
    return events;
  }

  private static int[] codePoints(String text) {
    return text.codePoints().toArray();
  }

  private static List<ExplainEvent> tokens(List<ExplainEvent> events, int sample) {
    return events.stream().filter(e -> e.hasToken() && e.getSample() == sample).toList();
  }

  private static String text(List<ExplainEvent> events, int sample) {
    StringBuilder text = new StringBuilder();
    tokens(events, sample).forEach(e -> text.append(e.getToken().getText()));
    return text.toString();
  }

  private static ExplainEvent end(List<ExplainEvent> events, int sample) {
    return events.stream()
        .filter(e -> e.hasSampleEnd() && e.getSample() == sample)
        .findFirst()
        .orElseThrow();
  }

  /** Follows one path token by token: each must be what the engine draws after all before it. */
  private static void assertPath(String start, List<ExplainEvent> events, int sample, long seed) {
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

  private static String bestLabel(String seen) {
    float[] logs = FakeEngine.labelLogProbabilities(codePoints(seen), 4);
    int best = 0;
    for (int i = 1; i < 4; i++) {
      best = logs[i] > logs[best] ? i : best;
    }
    return new FakeModel().labels().get(best).name();
  }

  @Test
  void labelFirst() {
    List<ExplainEvent> events = explain(request(Order.LABEL_FIRST, 1, 13).build());
    assertTrue(events.get(0).hasVerdict());
    Harness.assertJudged(codePoints(PROMPT), events.get(0).getVerdict().getItem());
    assertEquals("i", events.get(0).getVerdict().getItem().getId());
    assertEquals("fake", events.get(0).getVerdict().getModel().getName());
    assertEquals("q=tea;".length(), events.get(0).getVerdict().getPrefixTokensCount());
    assertEquals(13, tokens(events, 0).size());
    String answer = bestLabel(PROMPT) + " since ";
    assertEquals(
        answer.codePoints().boxed().toList(), events.get(0).getVerdict().getAnswerTokensList());
    assertPath(PROMPT + answer, events, 0, 42);
    assertEquals(FinishReason.LENGTH, end(events, 0).getSampleEnd().getFinishReason());
    assertEquals(0, end(events, 0).getSampleEnd().getDistributionCount());
    ExplainEvent last = events.get(events.size() - 1);
    assertTrue(last.hasFinal());
    assertEquals(events.get(0).getVerdict().getItem(), last.getFinal().getItem());
    assertEquals(13, last.getFinal().getGeneratedTokens());
    assertEquals(
        PROMPT.length() + bestLabel(PROMPT).length() + " since ".length(),
        last.getFinal().getPromptTokens());
    assertEquals(42, last.getFinal().getSeed());
  }

  @Test
  void thinkFirst() {
    List<ExplainEvent> events = explain(request(Order.THINK_FIRST, 1, 13).build());
    assertPath(PROMPT, events, 0, 42);
    int[] judged = codePoints(PROMPT + text(events, 0) + " so:");
    Harness.assertDistribution(judged, end(events, 0).getSampleEnd().getDistributionList());
    ExplainEvent verdict = events.get(events.size() - 2);
    assertTrue(verdict.hasVerdict());
    Harness.assertJudged(judged, verdict.getVerdict().getItem());
    assertEquals(0, verdict.getVerdict().getAnswerTokensCount());
    assertTrue(events.get(events.size() - 1).hasFinal());
  }

  @ParameterizedTest
  @EnumSource(
      value = Order.class,
      names = {"LABEL_FIRST", "THINK_FIRST"})
  void manySamplesShareThePromptOnly(Order order) {
    List<ExplainEvent> events = explain(request(order, 4, 20).build());
    List<ExplainEvent> alone = explain(request(order, 1, 20).build());
    assertEquals(text(alone, 0), text(events, 0), "path 0 does not depend on the others");
    double[] mean = new double[4];
    for (int sample = 0; sample < 4; sample++) {
      assertEquals(20, tokens(events, sample).size());
      for (int other = 0; other < sample; other++) {
        assertNotEquals(text(events, other), text(events, sample));
      }
      if (order == Order.THINK_FIRST) {
        var distribution = end(events, sample).getSampleEnd().getDistributionList();
        Harness.assertDistribution(
            codePoints(PROMPT + text(events, sample) + " so:"), distribution);
        for (int i = 0; i < 4; i++) {
          mean[i] += distribution.get(i).getProbability() / 4;
        }
      }
    }
    ExplainEvent last = events.get(events.size() - 1);
    assertEquals(80, last.getFinal().getGeneratedTokens());
    if (order == Order.THINK_FIRST) {
      for (int i = 0; i < 4; i++) {
        assertEquals(mean[i], last.getFinal().getItem().getDistribution(i).getProbability(), 1e-12);
      }
    }
  }

  @Test
  void theSeedFixesTheReasoning() {
    ExplainRequest request = request(Order.LABEL_FIRST, 2, 13).build();
    assertEquals(text(explain(request), 1), text(explain(request), 1));
    ExplainRequest.Builder random = request.toBuilder();
    random.getSamplingBuilder().clearSeed();
    List<ExplainEvent> events = explain(random.build());
    random.getSamplingBuilder().setSeed(events.get(events.size() - 1).getFinal().getSeed());
    assertEquals(text(events, 1), text(explain(random.build()), 1));
  }

  /** The engine will draw this text, then end. */
  private void script(String text) {
    harness.engine.drawer =
        (seen, sampling, draw) -> draw < text.length() ? text.charAt(draw) : FakeModel.END_TOKEN;
  }

  @ParameterizedTest
  @EnumSource(
      value = Order.class,
      names = {"LABEL_FIRST", "THINK_FIRST"})
  void endsAtTheEndToken(Order order) {
    script("a reason");
    List<ExplainEvent> events = explain(request(order, 1, 40).build());
    assertEquals("a reason", text(events, 0));
    assertEquals(FinishReason.END_OF_TEXT, end(events, 0).getSampleEnd().getFinishReason());
    assertEquals(9, end(events, 0).getSampleEnd().getTokens());
    assertEquals(9, tokens(events, 0).size());
    if (order == Order.THINK_FIRST) {
      Harness.assertDistribution(
          codePoints(PROMPT + "a reason so:"), end(events, 0).getSampleEnd().getDistributionList());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"one STOP two", "one ### two"})
  void endsBeforeAStopText(String drawn) {
    script(drawn);
    for (Order order : List.of(Order.LABEL_FIRST, Order.THINK_FIRST)) {
      ExplainRequest.Builder request = request(order, 1, 40);
      request.getSamplingBuilder().addStop("STOP");
      List<ExplainEvent> events = explain(request.build());
      assertEquals("one ", text(events, 0));
      assertEquals(FinishReason.STOP, end(events, 0).getSampleEnd().getFinishReason());
      if (order == Order.THINK_FIRST) {
        Harness.assertDistribution(
            codePoints(PROMPT + "one  so:"), end(events, 0).getSampleEnd().getDistributionList());
      }
    }
  }

  @Test
  void emptyReasoningCanBeJudged() {
    script("");
    List<ExplainEvent> events = explain(request(Order.THINK_FIRST, 2, 40).build());
    assertEquals("", text(events, 0));
    Harness.assertDistribution(
        codePoints(PROMPT + " so:"), end(events, 0).getSampleEnd().getDistributionList());
  }

  @Test
  void beginningOfAStopTextIsFlushedAtTheEnd() {
    script("ab##");
    assertEquals("ab##", text(explain(request(Order.LABEL_FIRST, 1, 40).build()), 0));
    assertEquals("ab##", text(explain(request(Order.LABEL_FIRST, 1, 4).build()), 0));
  }

  @Test
  void reasoningMayBeginRightAtThePromptsEnd() throws Exception {
    FakeModel model = new FakeModel(new Limits(10, 40, 64, 48, 4), 4096, true);
    try (Harness other = new Harness(Harness.config(), model, new FakeEngine(256, 8, 64))) {
      List<ExplainEvent> events = new ArrayList<>();
      other.stub().explain(request(Order.LABEL_FIRST, 2, 13).build()).forEachRemaining(events::add);
      assertPath(PROMPT, events, 0, 42);
      assertEquals(13, tokens(events, 1).size());
    }
  }

  @Test
  void contextBoundsTheReasoning() throws Exception {
    FakeModel model = new FakeModel(new Limits(10, 40, 64, 48, 4), 50, false);
    try (Harness other = new Harness(Harness.config(), model, new FakeEngine(256, 8, 64))) {
      List<ExplainEvent> events = new ArrayList<>();
      other.stub().explain(request(Order.THINK_FIRST, 1, 48).build()).forEachRemaining(events::add);
      // Prompt, its last token once more, cue and the longest label stay free.
      assertEquals(50 - PROMPT.length() - 1 - 4 - 2, tokens(events, 0).size());
      assertEquals(FinishReason.LENGTH, end(events, 0).getSampleEnd().getFinishReason());
      ExplainRequest.Builder tooLong = request(Order.LABEL_FIRST, 1, 48);
      tooLong.getItemBuilder().setText("x".repeat(64));
      StatusRuntimeException e =
          assertThrows(
              StatusRuntimeException.class, () -> other.stub().explain(tooLong.build()).next());
      assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    }
  }

  @Test
  void poolTooSmallIsRefusedBeforeTheStart() throws Exception {
    try (Harness poor = new Harness(Harness.config(), new FakeModel(), new FakeEngine(256, 8, 4))) {
      StatusRuntimeException e =
          assertThrows(
              StatusRuntimeException.class,
              () -> poor.stub().explain(request(Order.LABEL_FIRST, 1, 48).build()).next());
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
      assertEquals("KV_POOL_TOO_SMALL", Harness.reason(e));
      assertEquals(0, poor.engine.batches());
    }
  }

  @Test
  void pathsWaitForStreamsAndBlocks() throws Exception {
    // Room for the prompt and about two paths; one stream more than that.
    ServerConfig config = Harness.config().withLimits(Harness.limits(99, 9999, 3, 64, 4));
    try (Harness tight = new Harness(config, new FakeModel(), new FakeEngine(256, 8, 24))) {
      List<Thread> threads = new ArrayList<>();
      AtomicInteger good = new AtomicInteger();
      for (int i = 0; i < 6; i++) {
        Order order = i % 2 == 0 ? Order.LABEL_FIRST : Order.THINK_FIRST;
        Thread thread =
            new Thread(
                () -> {
                  List<ExplainEvent> events = new ArrayList<>();
                  tight.stub().explain(request(order, 4, 48).build()).forEachRemaining(events::add);
                  good.addAndGet(tokens(events, 3).size());
                });
        thread.start();
        threads.add(thread);
      }
      ScoreRequest score = Harness.request("red shoes", 207).build();
      for (int i = 0; i < 5; i++) {
        Harness.assertAnswers(score, tight.stub().score(score));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(6 * 48, good.get());
    }
  }

  @Test
  void tooManyExplanationsAreRefused() throws Exception {
    ServerConfig config = Harness.config().withLimits(Harness.limits(99, 9999, 2, 4, 4));
    try (Harness small = Harness.with(config)) {
      BatchGate gate = new BatchGate();
      small.engine.beforeRun = gate;
      Iterator<ExplainEvent> first = small.stub().explain(request(Order.LABEL_FIRST, 4, 3).build());
      gate.awaitBatch();
      StatusRuntimeException e =
          assertThrows(
              StatusRuntimeException.class,
              () -> small.stub().explain(request(Order.LABEL_FIRST, 1, 3).build()).next());
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
      assertEquals("EXPLAIN_QUEUE_FULL", Harness.reason(e));
      gate.open();
      first.forEachRemaining(event -> {});
    }
  }

  @Test
  void scoreAndExplainShareBatches() throws Exception {
    BatchGate gate = new BatchGate();
    harness.engine.beforeRun = gate;
    Callers callers = new Callers(harness);
    callers.score(Harness.request("hold", "a").build());
    gate.awaitBatch();
    Iterator<ExplainEvent> explained =
        harness.stub().explain(request(Order.LABEL_FIRST, 1, 48).build());
    Harness.eventually("explaining", () -> harness.gauge(Gauge.EXPLAIN_PATHS) == 1);
    for (int i = 0; i < 8; i++) {
      callers.score(Harness.request("query " + i, 100).build());
    }
    Harness.eventually("queued", () -> harness.gauge(Gauge.QUEUED_ITEMS) == 801);
    gate.open();
    explained.forEachRemaining(event -> {});
    callers.join();
    // 801 items of 10 to 12 rows and more in batches of 256: the prompt was not left to the end.
    assertTrue(harness.engine.batches() < 801 * 12 / 256 + 60);
  }

  @Test
  void explainIsNotStarvedByScore() throws Exception {
    BatchGate gate = new BatchGate();
    harness.engine.beforeRun = gate;
    Callers callers = new Callers(harness);
    for (int i = 0; i < 8; i++) {
      callers.score(Harness.request("query " + i, 900).build());
    }
    gate.awaitBatch();
    Iterator<ExplainEvent> explained =
        harness.stub().explain(request(Order.LABEL_FIRST, 1, 1).build());
    Harness.eventually("explaining", () -> harness.gauge(Gauge.EXPLAIN_PATHS) == 1);
    for (int i = 0; i < 20 && harness.gauge(Gauge.EXPLAIN_PATHS) == 1; i++) {
      gate.pass();
      gate.awaitBatch();
      Thread.sleep(10);
    }
    assertEquals(0, harness.gauge(Gauge.EXPLAIN_PATHS), "explained within 20 batches");
    assertTrue(harness.gauge(Gauge.QUEUED_ITEMS) > 1000, "while Score was waiting");
    gate.open();
    explained.forEachRemaining(event -> {});
    callers.join();
  }

  @Test
  void slowReaderPausesItsDecoding() throws Exception {
    Iterator<ExplainEvent> slow = harness.stub().explain(request(Order.LABEL_FIRST, 4, 48).build());
    assertTrue(slow.next().hasVerdict());
    Harness.eventually("some tokens", () -> harness.engine.batches() > 3);
    ScoreRequest score = Harness.request("meanwhile", 13).build();
    long before;
    do {
      before = harness.engine.rows();
      Thread.sleep(50);
    } while (harness.engine.rows() != before);
    assertTrue(before < 192, "expected a pause long before 4 x 48 tokens, found " + before);
    Harness.assertAnswers(score, harness.stub().score(score));
    int tokens = 0;
    while (slow.hasNext()) {
      tokens += slow.next().hasToken() ? 1 : 0;
    }
    assertEquals(192, tokens);
  }

  @Test
  void readerThatNeverReadsLosesItsCall() throws Exception {
    ServerConfig.Limits limits = new ServerConfig.Limits(1 << 20, 99, 9999, 4, 8, 4, 1);
    try (Harness impatient = Harness.with(Harness.config().withLimits(limits))) {
      Iterator<ExplainEvent> events =
          impatient.stub().explain(request(Order.LABEL_FIRST, 4, 48).build());
      Harness.eventually("begun", () -> impatient.engine.batches() > 0);
      impatient.awaitIdle(); // without a single read
      StatusRuntimeException e =
          assertThrows(StatusRuntimeException.class, () -> events.forEachRemaining(event -> {}));
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
      assertEquals("READER_TOO_SLOW", Harness.reason(e));
    }
  }

  @Test
  void cancelledExplainStopsWithinOneBatch() throws Exception {
    BatchGate gate = new BatchGate();
    harness.engine.beforeRun = gate;
    io.grpc.Context.CancellableContext context = io.grpc.Context.current().withCancellation();
    Iterator<ExplainEvent> events =
        context.call(() -> harness.stub().explain(request(Order.LABEL_FIRST, 2, 48).build()));
    for (int i = 0; i < 5; i++) {
      gate.awaitBatch();
      gate.pass();
    }
    gate.awaitBatch();
    long rows = harness.engine.rows();
    context.cancel(null);
    assertThrows(StatusRuntimeException.class, () -> events.forEachRemaining(event -> {}));
    harness.awaitIdle();
    assertEquals(rows, harness.engine.rows());
    gate.open();
  }

  @Test
  void failedBatchFailsTheExplanation() {
    AtomicInteger runs = new AtomicInteger();
    harness.engine.beforeRun =
        batch -> {
          if (runs.incrementAndGet() == 7) {
            throw new EngineException(EngineException.Code.INTERNAL, "broken on purpose");
          }
        };
    Iterator<ExplainEvent> events =
        harness.stub().explain(request(Order.THINK_FIRST, 3, 48).build());
    StatusRuntimeException e =
        assertThrows(StatusRuntimeException.class, () -> events.forEachRemaining(event -> {}));
    assertEquals("ENGINE_FAILED", Harness.reason(e));
    assertFalse(explain(request(Order.THINK_FIRST, 3, 48).build()).isEmpty());
  }

  @Test
  void badItemIsRefused() {
    ExplainRequest request =
        ExplainRequest.newBuilder().setQuery("tea").setItem(Item.getDefaultInstance()).build();
    StatusRuntimeException e = assertThrows(StatusRuntimeException.class, () -> explain(request));
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("INVALID_REQUEST", Harness.reason(e));
  }
}
