package dev.gavel.server;

import static dev.gavel.server.Explanations.explain;
import static dev.gavel.server.Explanations.request;
import static dev.gavel.server.Explanations.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.EngineException;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.Order;
import dev.gavel.v1.ScoreRequest;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Explanations beside other calls, slow readers and failures. */
class ExplainSchedulingTest extends AbstractServerTest {
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
                  List<ExplainEvent> events = explain(tight, request(order, 4, 48).build());
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
      BatchGate gate = small.gate();
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
    BatchGate gate = harness.gate();
    Callers callers = new Callers(harness);
    callers.score(Harness.request("hold", "a").build());
    gate.awaitBatch();
    Iterator<ExplainEvent> explained =
        harness.stub().explain(request(Order.LABEL_FIRST, 1, 48).build());
    for (int i = 0; i < 8; i++) {
      callers.score(Harness.request("query " + i, 100).build());
    }
    harness.awaitReady(10);
    gate.open();
    explained.forEachRemaining(event -> {});
    callers.join();
    // 801 items of 10 to 12 rows and more in batches of 256: the prompt was not left to the end.
    assertTrue(harness.engine.batches() < 801 * 12 / 256 + 60);
  }

  @Test
  void explainIsNotStarvedByScore() throws Exception {
    BatchGate gate = harness.gate();
    Callers callers = new Callers(harness);
    for (int i = 0; i < 8; i++) {
      callers.score(Harness.request("query " + i, 900).build());
    }
    gate.awaitBatch();
    Iterator<ExplainEvent> explained =
        harness.stub().explain(request(Order.LABEL_FIRST, 1, 1).build());
    harness.awaitReady(9);
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
    BatchGate gate = harness.gate();
    Context.CancellableContext context = Context.current().withCancellation();
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

  /** The engine has drawn the last token when the caller leaves: nobody takes what is to come. */
  @Test
  void callerWhoLeavesAtTheEndIsNotWaitedFor() throws Exception {
    CountDownLatch lastDraw = new CountDownLatch(1);
    CountDownLatch left = new CountDownLatch(1);
    harness.engine.drawer =
        (seen, sampling, draw) -> {
          if (draw == 2) {
            lastDraw.countDown();
            await(left);
          }
          return FakeEngine.letter(seen, sampling, draw);
        };
    Context.CancellableContext context = Context.current().withCancellation();
    Iterator<ExplainEvent> events =
        context.call(() -> harness.stub().explain(request(Order.LABEL_FIRST, 1, 3).build()));
    await(lastDraw);
    context.cancel(null);
    left.countDown();
    assertThrows(StatusRuntimeException.class, () -> events.forEachRemaining(event -> {}));
    harness.awaitIdle();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS), "expected within 30 s");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
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
    assertFalse(explain(harness, request(Order.THINK_FIRST, 3, 48).build()).isEmpty());
  }
}
