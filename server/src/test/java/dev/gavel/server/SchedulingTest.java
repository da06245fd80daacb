package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.EngineException;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Which calls share which batches, and what becomes of those that leave or fail. */
class SchedulingTest {
  private static Status.Code codeOf(Future<?> answer) {
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> answer.get(60, TimeUnit.SECONDS));
    return Status.fromThrowable(e).getCode();
  }

  @Test
  void severalCallsShareABatch() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      Callers callers = new Callers(harness);
      callers.score(Harness.request("hold", "a").build());
      gate.awaitBatch();
      for (int i = 0; i < 5; i++) {
        callers.score(Harness.request("q" + i, "x", "y").build());
      }
      harness.awaitReady(6);
      gate.open();
      callers.join();
      assertEquals(2, harness.engine.batches());
    }
  }

  /** Rows of each batch but the first, for calls that queue up behind it. */
  private static List<Integer> rowsOfBatches(FakeEngine engine, ScoreRequest... requests)
      throws Exception {
    List<Integer> rows = Collections.synchronizedList(new ArrayList<>());
    BatchGate gate = new BatchGate();
    engine.beforeRun =
        batch -> {
          rows.add(batch.tokens());
          gate.accept(batch);
        };
    ServerConfig config = Harness.withoutKvCache(Harness.config());
    try (Harness harness = new Harness(config, new FakeModel(), engine)) {
      Callers callers = new Callers(harness);
      callers.score(Harness.request("hold", "a").build());
      gate.awaitBatch();
      int ready = 1;
      for (ScoreRequest request : requests) {
        callers.score(request);
        harness.awaitReady(++ready);
      }
      gate.open();
      List<ScoreResponse> answers = callers.join();
      for (int i = 0; i < requests.length; i++) {
        Harness.assertAnswers(requests[i], answers.get(i + 1));
      }
    }
    return rows.subList(1, rows.size());
  }

  private static int tokens(ScoreRequest request) {
    int sum = "q=;".length() + request.getQuery().length();
    for (dev.gavel.v1.Item item : request.getItemsList()) {
      sum += item.getText().length() + "=".length();
    }
    return sum;
  }

  /** Half of a call beside another would make the other wait, and the call be no sooner done. */
  @Test
  void aCallThatFitsIntoOneBatchIsNotSplit() throws Exception {
    ScoreRequest first = Harness.request("first", 12).build();
    ScoreRequest second = Harness.request("second", 13).build();
    assertTrue(tokens(first) + tokens(second) > Harness.ROWS - 30 && tokens(second) < 200);
    assertEquals(
        List.of(tokens(first), tokens(second)),
        rowsOfBatches(new FakeEngine(Harness.ROWS, 8, 64), first, second));
  }

  /** On a CPU more rows in a batch are no faster: whoever is in it only waits longer. */
  @Test
  void aBatchEndsWhereTheDeviceIsBusy() throws Exception {
    ScoreRequest[] calls = new ScoreRequest[3];
    for (int i = 0; i < calls.length; i++) {
      calls[i] = Harness.request("call " + i, 60).build();
    }
    assertTrue(tokens(calls[0]) > 512 && tokens(calls[0]) < 1024, "two calls are enough");
    assertEquals(
        List.of(tokens(calls[0]) + tokens(calls[1]), tokens(calls[2])),
        rowsOfBatches(new FakeEngine(4096, 8, 512), calls));
  }

  @Test
  void delayGathersCalls() throws Exception {
    ServerConfig config = Harness.config();
    config = config.withEngine(config.engine().withBatchDelayMicrosMax(1_000_000));
    try (Harness harness = Harness.with(config)) {
      Callers callers = new Callers(harness);
      // 12 rows each, of 256: the batch runs as soon as it is full, long before the delay is over.
      int calls = 2 * Harness.ROWS / 12 + 1;
      for (int i = 0; i < calls; i++) {
        callers.score(Harness.request("q" + i % 10, "item").build());
      }
      callers.join();
      assertTrue(
          harness.engine.batches() <= calls / 2, () -> harness.engine.batches() + " batches");
    }
  }

  @Test
  void cancelledCallStopsWithinItsBatch() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      Callers callers = new Callers(harness);
      Future<ScoreResponse> doomed = callers.score(Harness.request("red shoes", 1000).build());
      gate.awaitBatch();
      gate.pass();
      gate.awaitBatch();
      long before = harness.engine.rows();
      assertTrue(before > 0 && before <= Harness.ROWS);
      assertTrue(doomed.cancel(true));
      harness.awaitIdle();
      assertEquals(before, harness.engine.rows(), "nothing is computed after the cancellation");
      assertEquals(1, harness.engine.cancelledBatches());
      assertEquals(1, harness.server.stats().get(Counter.CANCELLED));
    }
  }

  @Test
  void cancelledCallDoesNotStopItsNeighbours() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      Callers callers = new Callers(harness);
      ScoreRequest hold = Harness.request("hold", "a").build();
      Future<ScoreResponse> held = callers.score(hold);
      gate.awaitBatch();
      Future<ScoreResponse> doomed = callers.score(Harness.request("doomed", 5).build());
      ScoreRequest request = Harness.request("stays", 5).build();
      Future<ScoreResponse> stays = callers.score(request);
      harness.awaitReady(3);
      gate.pass();
      gate.awaitBatch(); // both are in this batch
      doomed.cancel(true);
      Harness.eventually("left", () -> doomed.isCancelled());
      gate.open();
      Harness.assertAnswers(request, stays.get(60, TimeUnit.SECONDS));
      Harness.assertAnswers(hold, held.get(60, TimeUnit.SECONDS));
      assertEquals(0, harness.engine.cancelledBatches());
    }
  }

  @Test
  void deadlineStopsTheWork() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      RelevanceGrpc.RelevanceFutureStub stub = RelevanceGrpc.newFutureStub(harness.channel());
      Future<ScoreResponse> running =
          stub.withDeadlineAfter(300, TimeUnit.MILLISECONDS)
              .score(Harness.request("running", 1000).build());
      gate.awaitBatch();
      Future<ScoreResponse> queued =
          stub.withDeadlineAfter(300, TimeUnit.MILLISECONDS)
              .score(Harness.request("queued", 10).build());
      assertEquals(Status.Code.DEADLINE_EXCEEDED, codeOf(running));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, codeOf(queued));
      harness.awaitIdle();
      assertEquals(0, harness.engine.rows());
      assertEquals(2, harness.server.stats().get(Counter.EXPIRED));
      gate.open();
      ScoreRequest after = Harness.request("after", 3).build();
      Harness.assertAnswers(after, stub.score(after).get());
    }
  }

  @Test
  void largeCallsDoNotBlockSmallOnes() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      Callers callers = new Callers(harness);
      Future<ScoreResponse> large = callers.score(Harness.request("large", 1000).build());
      gate.awaitBatch();
      Future<ScoreResponse> larger = callers.score(Harness.request("larger", 1000).build());
      Future<ScoreResponse> small = callers.score(Harness.request("small", 2).build());
      harness.awaitReady(3);
      for (int batch = 0; batch < 4; batch++) {
        gate.pass();
        gate.awaitBatch();
      }
      assertEquals(2, small.get(60, TimeUnit.SECONDS).getItemsCount()); // no more batches needed
      assertFalse(large.isDone());
      assertFalse(larger.isDone());
      gate.open();
      callers.join();
    }
  }

  @Test
  void failedBatchFailsItsCallsOnly() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      harness.engine.beforeRun =
          batch -> {
            if (batch.size() == 14) { // the prefix and 13 items
              throw new EngineException(EngineException.Code.INTERNAL, "broken on purpose");
            }
          };
      ScoreRequest good = Harness.request("good", 3).build();
      Harness.assertAnswers(good, harness.stub().score(good));
      StatusRuntimeException e = harness.refused(Harness.request("bad", 13).build());
      assertEquals(Status.Code.INTERNAL, e.getStatus().getCode());
      assertEquals("ENGINE_FAILED", Harness.reason(e));
      Harness.assertAnswers(good, harness.stub().score(good));
    }
  }

  @Test
  void failureInTheMiddleOfASplitCallGivesItsBlocksBack() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      AtomicInteger runs = new AtomicInteger();
      harness.engine.beforeRun =
          batch -> {
            if (runs.incrementAndGet() == 3) {
              throw new IllegalStateException("a bug");
            }
          };
      StatusRuntimeException e = harness.refused(Harness.request("bad", 1000).build());
      assertEquals(Status.Code.INTERNAL, e.getStatus().getCode());
      assertEquals("INTERNAL", Harness.reason(e));
      ScoreRequest good = Harness.request("good", 1000).build();
      Harness.assertAnswers(good, harness.stub().score(good));
    }
  }

  @Test
  void readinessFollowsRepeatedFailure() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(harness.channel());
      HealthCheckRequest all = HealthCheckRequest.getDefaultInstance();
      harness.engine.beforeRun =
          batch -> {
            throw new EngineException(EngineException.Code.INTERNAL, "broken on purpose");
          };
      for (int i = 0; i < 3; i++) {
        harness.refused(Harness.request("q", "a").build());
      }
      Harness.eventually(
          "not ready", () -> health.check(all).getStatus() == ServingStatus.NOT_SERVING);
      harness.engine.beforeRun = batch -> {};
      // Nobody calls: the server finds out by itself.
      Harness.eventually("ready", () -> health.check(all).getStatus() == ServingStatus.SERVING);
    }
  }

  @Test
  void numbersThatAreNoneFailTheItem() throws Exception {
    FakeEngine engine = new FakeEngine(Harness.ROWS, 8, 64);
    try (Harness harness = new Harness(Harness.config(), new FakeModel(), engine)) {
      engine.poison = "poison=".codePoints().toArray();
      List<dev.gavel.v1.ScoredItem> items =
          harness.stub().score(Harness.request("q", "a", "poison", "b").build()).getItemsList();
      assertEquals(0, items.get(0).getStatus().getCode());
      assertEquals(13, items.get(1).getStatus().getCode());
      assertEquals(0, items.get(2).getStatus().getCode());
    }
  }
}
