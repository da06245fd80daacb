package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.DeviceStats.Level;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.GetModelRequest;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** One server, one queue, several devices that all work. */
class SeveralDevicesTest {
  private static final int DEVICES = 3;

  static Harness harness(ServerConfig config) throws Exception {
    FakeEngine[] engines = new FakeEngine[DEVICES];
    for (int i = 0; i < DEVICES; i++) {
      engines[i] = new FakeEngine("cuda:" + i, Harness.ROWS, 8, 64);
    }
    return new Harness(config, new FakeModel(), engines);
  }

  static DeviceStats device(Harness harness, int index) {
    return harness.server.stats().devices().get(index);
  }

  private static List<Long> assignedRows(Harness harness) {
    return harness.server.stats().devices().stream().map(d -> d.get(Level.ASSIGNED_ROWS)).toList();
  }

  @Test
  void callsSpreadOverTheDevices() throws Exception {
    try (Harness harness = harness(Harness.config())) {
      BatchGate gate = new BatchGate();
      harness.engines.forEach(engine -> engine.beforeRun = gate);
      Callers callers = new Callers(harness);
      List<ScoreRequest> requests = new ArrayList<>();
      int calls = 10 * DEVICES;
      for (int i = 0; i < calls; i++) {
        ScoreRequest request = Harness.request("query " + i, 5).build();
        requests.add(request);
        callers.score(request);
      }
      harness.awaitReady(calls);
      List<Long> rows = assignedRows(harness);
      long most = rows.stream().mapToLong(Long::longValue).max().orElseThrow();
      long least = rows.stream().mapToLong(Long::longValue).min().orElseThrow();
      assertTrue(most - least <= 80, () -> "queues differ by more than one call: " + rows);
      gate.open();
      List<ScoreResponse> answers = callers.join();
      for (int i = 0; i < calls; i++) {
        Harness.assertAnswers(requests.get(i), answers.get(i));
        assertEquals("cuda:0,cuda:1,cuda:2", answers.get(i).getModel().getDevice());
      }
      harness.engines.forEach(engine -> assertTrue(engine.rows() > 0));
    }
  }

  @Test
  void aQueryComesBackToItsDevice() throws Exception {
    try (Harness harness = harness(Harness.config())) {
      for (int i = 0; i < 7; i++) {
        ScoreRequest request = Harness.request("the same long query", "item " + i).build();
        Harness.assertAnswers(request, harness.stub().score(request));
      }
      List<Long> batches = harness.engines.stream().map(FakeEngine::batches).sorted().toList();
      assertEquals(List.of(0L, 0L, 7L), batches);
    }
  }

  @Test
  void aQueryLeavesADeviceThatIsBusy() throws Exception {
    try (Harness harness = harness(Harness.config())) {
      ScoreRequest request = Harness.request("the same long query", "item").build();
      harness.stub().score(request);
      int holder =
          harness.engines.get(0).batches() == 1 ? 0 : harness.engines.get(1).batches() == 1 ? 1 : 2;
      BatchGate gate = new BatchGate();
      harness.engines.get(holder).beforeRun = gate;
      Callers callers = new Callers(harness);
      callers.score(Harness.request("the same long query", 20).build());
      gate.awaitBatch();
      Harness.assertAnswers(request, harness.stub().score(request)); // does not wait at the gate
      gate.open();
      callers.join();
    }
  }

  @Test
  void aLargeCallIsComputedByAll() throws Exception {
    try (Harness harness = harness(Harness.config())) {
      ScoreRequest request = Harness.request("large", 207).setLabelMass(true).build();
      ScoreResponse response = harness.stub().score(request);
      Harness.assertAnswers(request, response);
      for (int i = 0; i < request.getItemsCount(); i++) {
        assertEquals(
            FakeEngine.logMass(Harness.prompt(request, i)),
            response.getItems(i).getLogLabelMass(),
            1e-6);
      }
      assertEquals(1, harness.server.stats().get(Counter.SPREAD_REQUESTS));
      assertEquals(1, harness.server.stats().get(Counter.READY_REQUESTS));
      long sum = 0;
      for (int i = 0; i < DEVICES; i++) {
        assertTrue(harness.engines.get(i).rows() > 0);
        assertEquals(harness.engines.get(i).rows(), device(harness, i).get(Counter.ROWS));
        sum += device(harness, i).get(Counter.ROWS);
      }
      assertEquals(sum, harness.server.stats().get(Counter.ROWS));
    }
  }

  @Test
  void aLargeCallThatIsCancelledStopsEverywhere() throws Exception {
    try (Harness harness = harness(Harness.config())) {
      BatchGate gate = new BatchGate();
      harness.engines.forEach(engine -> engine.beforeRun = gate);
      Future<ScoreResponse> doomed =
          new Callers(harness).score(Harness.request("large", 1000).build());
      for (int i = 0; i < DEVICES; i++) {
        gate.awaitBatch();
      }
      doomed.cancel(true);
      harness.awaitIdle(); // the gate stays shut: only cancelling gets a batch through
      for (FakeEngine engine : harness.engines) {
        assertEquals(1, engine.cancelledBatches());
        assertEquals(0, engine.batches());
      }
      assertEquals(1, harness.server.stats().get(Counter.CANCELLED), "one request, three parts");
    }
  }

  @Test
  void aDeadlineEndsAllParts() throws Exception {
    try (Harness harness = harness(Harness.config())) {
      BatchGate gate = new BatchGate();
      harness.engines.forEach(engine -> engine.beforeRun = gate);
      StatusRuntimeException e =
          assertThrows(
              StatusRuntimeException.class,
              () ->
                  harness
                      .stub()
                      .withDeadlineAfter(2, TimeUnit.SECONDS)
                      .score(Harness.request("large", 1000).build()));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, e.getStatus().getCode());
      harness.awaitIdle();
      long dropped =
          harness.server.stats().get(Counter.CANCELLED)
              + harness.server.stats().get(Counter.EXPIRED);
      assertEquals(1, dropped, "one request, three parts");
      gate.open();
    }
  }

  @Test
  void drainingWaitsForAllDevices() throws Exception {
    try (Harness harness = harness(Harness.config().withDrainSecondsMax(60))) {
      BatchGate gate = new BatchGate();
      harness.engines.forEach(engine -> engine.beforeRun = gate);
      Callers callers = new Callers(harness);
      ScoreRequest request = Harness.request("large", 207).build();
      callers.score(request);
      for (int i = 0; i < DEVICES; i++) {
        gate.awaitBatch();
      }
      Thread closer = new Thread(() -> closeUnchecked(harness.server));
      closer.start();
      Harness.eventually("draining", () -> harness.health("") == ServingStatus.NOT_SERVING);
      gate.open();
      Harness.assertAnswers(request, callers.join().get(0));
      closer.join();
    }
  }

  @Test
  void whatIsLeftAfterDrainingFails() throws Exception {
    try (Harness harness = harness(Harness.config().withDrainSecondsMax(0))) {
      BatchGate gate = new BatchGate();
      harness.engines.forEach(engine -> engine.beforeRun = gate);
      Future<ScoreResponse> left =
          new Callers(harness).score(Harness.request("large", 207).build());
      for (int i = 0; i < DEVICES; i++) {
        gate.awaitBatch();
      }
      harness.server.close();
      ExecutionException e =
          assertThrows(ExecutionException.class, () -> left.get(60, TimeUnit.SECONDS));
      assertEquals(Status.Code.UNAVAILABLE, Status.fromThrowable(e).getCode());
      assertEquals("DRAINING", Harness.reason((StatusRuntimeException) e.getCause()));
    }
  }

  private static void closeUnchecked(GavelServer server) {
    try {
      server.close();
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void theServersLevelsAreSums() throws Exception {
    try (Harness harness = harness(Harness.config())) {
      assertEquals(DEVICES * 64, harness.gauge(Gauge.KV_BLOCKS));
      for (int i = 0; i < 5; i++) {
        harness.stub().score(Harness.request("query " + i, 20).build());
      }
      harness.awaitIdle();
      long rates = 0;
      long cached = 0;
      for (int i = 0; i < DEVICES; i++) {
        assertEquals("cuda:" + i, device(harness, i).device());
        assertEquals(1, device(harness, i).get(Level.SERVING));
        assertEquals(DeviceStats.UNKNOWN, device(harness, i).get(Level.MEMORY_BYTES));
        rates += device(harness, i).get(Level.ROWS_PER_SECOND);
        cached += device(harness, i).get(Level.KV_BLOCKS_CACHED);
      }
      assertEquals(rates, harness.gauge(Gauge.ROWS_PER_SECOND));
      assertEquals(cached, harness.gauge(Gauge.KV_BLOCKS_CACHED));
      assertTrue(rates > 0 && cached > 0);
    }
  }

  @Test
  void oneProcessorSeveralTimes() throws Exception {
    FakeEngine[] engines = {
      new FakeEngine(Harness.ROWS, 8, 64), new FakeEngine(Harness.ROWS, 8, 64)
    };
    try (Harness harness = new Harness(Harness.config(), new FakeModel(), engines)) {
      assertEquals("cpu:0", device(harness, 0).device());
      assertEquals("cpu:1", device(harness, 1).device());
      assertEquals(
          "cpu",
          harness.stub().getModel(GetModelRequest.getDefaultInstance()).getVersion().getDevice());
    }
  }
}
