package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.server.observability.DeviceMonitor;
import dev.gavel.server.observability.DeviceStats;
import dev.gavel.server.observability.DeviceStats.Level;
import dev.gavel.server.observability.GpuReading;
import dev.gavel.v1.Device;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.GetModelRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.ScoreRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the driver says reaches metrics, GetModel, health and the choice of devices. */
class DeviceWatchTest {
  /** Two engines' GPUs, in another order than the driver's, and one that nobody uses. */
  private static final class FakeMonitor implements DeviceMonitor {
    volatile String firstProblem;
    volatile String secondProblem;

    @Override
    public List<GpuReading> read() {
      return List.of(
          gpu("0000:01:00.0", 81, List.of("power cap"), secondProblem),
          gpu("0000:02:00.0", 20, List.of(), null),
          gpu("0000:03:00.0", 40, List.of(), firstProblem));
    }

    private static GpuReading gpu(String bus, int celsius, List<String> slow, String problem) {
      return problem == null
          ? new GpuReading(bus, "Fake", "GPU-" + bus, 80, 8, -1, celsius, slow, null)
          : new GpuReading(bus, "Fake", "GPU-" + bus, -1, -1, -1, -1, List.of(), problem);
    }

    @Override
    public List<String> busesOf(String device) {
      return switch (device) {
        case "cuda:0" -> List.of("0000:03:00.0");
        case "cuda:1" -> List.of("0000:01:00.0");
        default -> List.of("0000:02:00.0", "0000:01:00.0");
      };
    }

    @Override
    public void close() {}
  }

  private final FakeMonitor monitor = new FakeMonitor();

  private Harness harness() throws Exception {
    FakeEngine[] engines = {
      new FakeEngine("cuda:0", Harness.ROWS, 8, 64), new FakeEngine("cuda:1", Harness.ROWS, 8, 64)
    };
    return new Harness(Harness.config(), new FakeModel(), monitor, engines);
  }

  private static List<Device> devices(Harness harness) {
    return harness.stub().getModel(GetModelRequest.getDefaultInstance()).getDevicesList();
  }

  @Test
  void readingsGoToTheirDevices() throws Exception {
    try (Harness harness = harness()) {
      List<Device> devices = devices(harness);
      assertEquals(3, devices.size());
      assertEquals("cuda:0", devices.get(0).getName());
      assertEquals(Device.State.SERVING, devices.get(0).getState());
      assertEquals("0000:03:00.0", devices.get(0).getGpus(0).getBus());
      assertEquals(40, devices.get(0).getGpus(0).getTemperatureCelsius());
      assertEquals(80, devices.get(0).getGpus(0).getMemoryBytes());
      assertFalse(devices.get(0).getGpus(0).hasUtilizationPercent(), "not known is absent");
      assertEquals(List.of("power cap"), devices.get(1).getGpus(0).getThrottlingList());
      assertEquals(Device.State.UNUSED, devices.get(2).getState());
      assertEquals("", devices.get(2).getName());
      DeviceStats first = harness.server.stats().devices().get(0);
      DeviceStats second = harness.server.stats().devices().get(1);
      assertEquals(8, first.get(Level.MEMORY_USED_BYTES));
      assertEquals(DeviceStats.UNKNOWN, first.get(Level.UTILIZATION_PERCENT));
      assertEquals(0, first.get(Level.THROTTLED));
      assertEquals(1, second.get(Level.THROTTLED));
      assertEquals(81, second.get(Level.TEMPERATURE_CELSIUS));
    }
  }

  @Test
  void aLostGpuGetsNoCalls() throws Exception {
    try (Harness harness = harness()) {
      monitor.firstProblem = "the GPU fell off the bus";
      harness.server.lookAtDevices();
      for (int i = 0; i < 10; i++) {
        ScoreRequest request = Harness.request("query " + i, 200).build();
        Harness.assertAnswers(request, harness.stub().score(request));
      }
      assertEquals(0, harness.engines.get(0).batches());
      assertEquals(ServingStatus.NOT_SERVING, harness.health("device/cuda:0"));
      assertEquals(ServingStatus.SERVING, harness.health("device/cuda:1"));
      assertEquals(ServingStatus.SERVING, harness.health(""));
      assertEquals(Device.State.FAILED, devices(harness).get(0).getState());
      assertEquals("the GPU fell off the bus", devices(harness).get(0).getProblem());
      DeviceStats stats = harness.server.stats().devices().get(0);
      assertEquals(0, stats.get(Level.SERVING));
      assertEquals(DeviceStats.UNKNOWN, stats.get(Level.THROTTLED));

      monitor.secondProblem = "that one too";
      harness.server.lookAtDevices();
      assertEquals(ServingStatus.NOT_SERVING, harness.health(""));
      StatusRuntimeException e = harness.refused(Harness.request("q", "a").build());
      assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
      assertEquals("DEVICE_FAILED", Harness.reason(e));

      monitor.firstProblem = null;
      harness.server.lookAtDevices();
      assertEquals(ServingStatus.SERVING, harness.health(""));
      ScoreRequest request = Harness.request("back", 3).build();
      Harness.assertAnswers(request, harness.stub().score(request));
      assertTrue(harness.engines.get(0).batches() > 0);
    }
  }

  /** Its keys and values are on the device; nobody else can go on with it. */
  @Test
  void anExplanationEndsWithItsGpu() throws Exception {
    try (Harness harness = harness()) {
      ExplainRequest request =
          ExplainRequest.newBuilder()
              .setQuery("query")
              .setItem(Item.newBuilder().setText("item"))
              .setSamples(4)
              .build();
      Iterator<ExplainEvent> unread = harness.stub().explain(request);
      assertTrue(unread.next().hasVerdict());
      monitor.firstProblem = "lost";
      monitor.secondProblem = "lost";
      harness.server.lookAtDevices();
      StatusRuntimeException e =
          assertThrows(StatusRuntimeException.class, () -> unread.forEachRemaining(event -> {}));
      assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode());
      assertEquals("DEVICE_FAILED", Harness.reason(e));
    }
  }

  @Test
  void aDeviceMayHaveSeveralGpus() throws Exception {
    FakeEngine group = new FakeEngine("cuda:1+0", Harness.ROWS, 8, 64);
    try (Harness harness = new Harness(Harness.config(), new FakeModel(), monitor, group)) {
      assertEquals(2, devices(harness).get(0).getGpusCount());
      assertEquals(Device.State.UNUSED, devices(harness).get(1).getState());
      DeviceStats stats = harness.server.stats().devices().get(0);
      assertEquals(160, stats.get(Level.MEMORY_BYTES));
      assertEquals(81, stats.get(Level.TEMPERATURE_CELSIUS));
      assertEquals(1, stats.get(Level.THROTTLED));
      monitor.secondProblem = "one of them is lost";
      harness.server.lookAtDevices();
      assertEquals(ServingStatus.NOT_SERVING, harness.health(""));
      assertEquals(DeviceStats.UNKNOWN, stats.get(Level.MEMORY_BYTES));
      assertEquals("one of them is lost", devices(harness).get(0).getProblem());
    }
  }

  @Test
  void aServerWithoutDriverStillNamesItsDevices() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      assertEquals(
          List.of(Device.newBuilder().setName("cpu").setState(Device.State.SERVING).build()),
          devices(harness));
    }
  }
}
