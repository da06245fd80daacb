package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.RetryInfo;
import dev.gavel.engine.EngineException;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.observability.DeviceStats.Level;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A device that fails is one fewer, and all of them failed is a server that does not serve. */
class FailingDeviceTest {
  private static EngineException broken() {
    return new EngineException(EngineException.Code.INTERNAL, "broken on purpose");
  }

  private static void breakDevice(Harness harness, int device) {
    harness.engines.get(device).beforeRun =
        batch -> {
          throw broken();
        };
  }

  /** Sends different queries until every device was asked; the reasons of those that failed. */
  private static List<String> failures(Harness harness, int calls) {
    List<String> reasons = new ArrayList<>();
    for (int i = 0; i < calls; i++) {
      ScoreRequest request = Harness.request("query " + i, 3).build();
      try {
        Harness.assertAnswers(request, harness.stub().score(request));
      } catch (StatusRuntimeException e) {
        reasons.add(Harness.reason(e));
      }
    }
    return reasons;
  }

  @Test
  void oneFailingDeviceCostsThreeBatches() throws Exception {
    try (Harness harness = SeveralDevicesTest.harness(Harness.config())) {
      breakDevice(harness, 1);
      List<String> reasons = failures(harness, 40);
      assertEquals(List.of("ENGINE_FAILED", "ENGINE_FAILED", "ENGINE_FAILED"), reasons);
      Harness.eventually(
          "the device is named",
          () -> harness.health("device/cuda:1") == ServingStatus.NOT_SERVING);
      assertEquals(ServingStatus.SERVING, harness.health("device/cuda:0"));
      assertEquals(ServingStatus.SERVING, harness.health(""));
      assertEquals(ServingStatus.SERVING, harness.health(RelevanceGrpc.SERVICE_NAME));
      assertEquals(0, SeveralDevicesTest.device(harness, 1).get(Level.SERVING));
      assertEquals(3, SeveralDevicesTest.device(harness, 1).get(Counter.FAILED_BATCHES));
      assertEquals(0, SeveralDevicesTest.device(harness, 0).get(Counter.FAILED_BATCHES));

      harness.engines.get(1).beforeRun = batch -> {};
      Harness.eventually(
          "found well again", () -> harness.health("device/cuda:1") == ServingStatus.SERVING);
      long before = harness.engines.get(1).batches();
      assertEquals(List.of(), failures(harness, 40));
      assertTrue(harness.engines.get(1).batches() > before);
    }
  }

  @Test
  void allFailedIsNotServing() throws Exception {
    try (Harness harness = SeveralDevicesTest.harness(Harness.config())) {
      for (int i = 0; i < harness.engines.size(); i++) {
        breakDevice(harness, i);
      }
      failures(harness, 9);
      Harness.eventually("not serving", () -> harness.health("") == ServingStatus.NOT_SERVING);
      StatusRuntimeException e = harness.refused(Harness.request("q", "a").build());
      assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
      assertEquals("DEVICE_FAILED", Harness.reason(e));
      assertTrue(Harness.detail(e, RetryInfo.class).hasRetryDelay());
      harness.engines.get(2).beforeRun = batch -> {};
      Harness.eventually("serving", () -> harness.health("") == ServingStatus.SERVING);
      assertEquals(List.of(), failures(harness, 5));
    }
  }

  /** What a device has not begun is computed by the others. */
  @Test
  void queuedCallsMoveToOtherDevices() throws Exception {
    try (Harness harness = SeveralDevicesTest.harness(Harness.config())) {
      BatchGate[] gates = new BatchGate[harness.engines.size()];
      for (int i = 0; i < gates.length; i++) {
        gates[i] = new BatchGate();
        harness.engines.get(i).beforeRun = gates[i];
      }
      Callers callers = new Callers(harness);
      List<ScoreRequest> requests = new ArrayList<>();
      List<Future<ScoreResponse>> answers = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        requests.add(Harness.request("query " + i, 8).build());
        answers.add(callers.score(requests.get(i)));
      }
      harness.awaitReady(requests.size());
      BatchGate first = gates[0];
      harness.engines.get(0).beforeRun =
          batch -> {
            throw broken();
          };
      first.awaitBatch();
      first.pass(); // the batch that stands there succeeds; all later ones fail
      Harness.eventually("moved", () -> harness.server.stats().get(Counter.MOVED_REQUESTS) > 0);
      for (BatchGate gate : gates) {
        gate.open();
      }
      int failed = 0;
      for (int i = 0; i < answers.size(); i++) {
        try {
          Harness.assertAnswers(requests.get(i), answers.get(i).get(60, TimeUnit.SECONDS));
        } catch (ExecutionException e) {
          failed++;
          assertEquals("ENGINE_FAILED", Harness.reason((StatusRuntimeException) e.getCause()));
        }
      }
      // 60 calls of 67 rows or so on three devices, three of them in a batch of 256 rows: one
      // batch of the first device's 20 calls succeeds and three fail.
      assertTrue(failed > 0 && failed <= 3 * 4, failed + " calls failed");
    }
  }

  @Test
  void anExplanationEndsWithItsDevice() throws Exception {
    try (Harness harness = SeveralDevicesTest.harness(Harness.config())) {
      Iterator<ExplainEvent> events =
          harness
              .stub()
              .explain(
                  ExplainRequest.newBuilder()
                      .setQuery("query")
                      .setItem(Item.newBuilder().setText("item"))
                      .build());
      events.next();
      int device = 0;
      while (harness.engines.get(device).batches() == 0) {
        device++;
      }
      breakDevice(harness, device);
      StatusRuntimeException e =
          assertThrows(StatusRuntimeException.class, () -> events.forEachRemaining(event -> {}));
      assertEquals(Status.Code.INTERNAL, e.getStatus().getCode());
      assertEquals("ENGINE_FAILED", Harness.reason(e));
    }
  }

  /** Where batches fail between two single rows that work, the pauses keep the calls away. */
  @Test
  void aDeviceThatOnlyComputesTrialsGetsFewCalls() throws Exception {
    try (Harness harness = SeveralDevicesTest.harness(Harness.config())) {
      harness.engines.get(1).beforeRun =
          batch -> {
            if (batch.size() > 1) {
              throw broken();
            }
          };
      List<String> reasons = failures(harness, 100);
      // A third of the calls, were it chosen as the others are.
      assertTrue(reasons.size() >= 3 && reasons.size() < 20, reasons + " failed");
      // At once after the first three failures it is tried, and believed; from then on pauses
      // double.
      long failures = SeveralDevicesTest.device(harness, 1).get(Counter.FAILED_BATCHES);
      assertEquals(reasons.size(), failures);
    }
  }
}
