package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.RetryInfo;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.ScoreRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Calls that the server refuses at once, as their callers see it. */
class AdmissionLimitsTest {
  @Test
  void fullQueueRefusesAtOnce() throws Exception {
    ServerConfig config = Harness.config().withLimits(Harness.limits(20, 1000, 4, 8, 4));
    try (Harness harness = Harness.with(config)) {
      BatchGate gate = harness.gate();
      Callers callers = new Callers(harness);
      callers.score(Harness.request("first", 15).build());
      gate.awaitBatch();
      callers.score(Harness.request("second", 5).build());
      Harness.eventually("queued", () -> harness.gauge(Gauge.QUEUED_ITEMS) == 20);
      // The engine stands still, so this answer cannot have waited for it.
      StatusRuntimeException e = harness.refused(Harness.request("third", 1).build());
      assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.getStatus().getCode());
      assertEquals("QUEUE_FULL", Harness.reason(e));
      RetryInfo retry = Harness.detail(e, RetryInfo.class);
      assertTrue(retry.getRetryDelay().getSeconds() * 1e9 + retry.getRetryDelay().getNanos() > 0);
      gate.open();
      callers.join();
    }
  }

  @Test
  void queueIsBoundedInTokensToo() throws Exception {
    ServerConfig config = Harness.config().withLimits(Harness.limits(1000, 100, 4, 8, 4));
    try (Harness harness = Harness.with(config)) {
      BatchGate gate = harness.gate();
      Callers callers = new Callers(harness);
      callers.score(Harness.request("q", "short").build());
      gate.awaitBatch();
      ScoreRequest large = Harness.request("q", "x".repeat(60), "y".repeat(60)).build();
      StatusRuntimeException e = harness.refused(large);
      assertEquals("QUEUE_FULL", Harness.reason(e));
      gate.open();
      callers.join();
      harness.awaitIdle();
      // An idle server takes it, though it is larger than the queue.
      Harness.assertAnswers(large, harness.stub().score(large));
    }
  }

  @Test
  void waitingForTheTokenizerCountsAsQueued() throws Exception {
    ServerConfig config = Harness.config().withLimits(Harness.limits(10, 1000, 4, 8, 4));
    try (Harness harness = Harness.with(config)) {
      CountDownLatch hold = new CountDownLatch(1);
      harness.model.tokenizerHold = hold;
      Callers callers = new Callers(harness);
      callers.score(Harness.request("first", 10).build());
      Harness.eventually("entered", () -> harness.gauge(Gauge.QUEUED_ITEMS) == 10);
      StatusRuntimeException e = harness.refused(Harness.request("second", 1).build());
      assertEquals("QUEUE_FULL", Harness.reason(e));
      hold.countDown();
      callers.join();
    }
  }

  @Test
  void unreachableDeadlineIsRefusedEarly() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      // A first batch that takes a while teaches the server a low rate.
      harness.engine.beforeRun = batch -> sleep(200);
      ScoreRequest first = Harness.request("teach", "a").build();
      Harness.assertAnswers(first, harness.stub().score(first));
      BatchGate gate = harness.gate();
      Callers callers = new Callers(harness);
      callers.score(Harness.request("queued", 1000).build());
      gate.awaitBatch();
      StatusRuntimeException e =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  harness
                      .stub()
                      .withDeadlineAfter(20, TimeUnit.SECONDS)
                      .score(Harness.request("late", 1).build()));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, e.getStatus().getCode());
      assertEquals("DEADLINE_UNREACHABLE", Harness.reason(e));
      gate.open();
      callers.join();
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
