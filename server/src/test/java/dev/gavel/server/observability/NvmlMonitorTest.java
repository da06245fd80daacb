package dev.gavel.server.observability;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The preset's binding over a library that stands for a driver's: {@code fake_nvml.cpp} of the
 * native module says what the file beside it says.
 */
class NvmlMonitorTest {
  private static final int SUCCESS = 0;
  private static final int UNKNOWN_ERROR = 999;
  private static final int GPU_IS_LOST = 15;
  private static final int RESET_REQUIRED = 16;

  @TempDir static Path folder;
  private static boolean loaded;

  @BeforeAll
  static void loadDriver() throws Exception {
    Path built = Path.of(System.getProperty("gavel.fakeNvml", ""));
    loaded = Files.isRegularFile(built) && hasBinding();
    if (loaded) {
      // The binding asks for a library of this name, and takes the one that is there already.
      System.load(Files.copy(built, folder.resolve("libnvidia-ml.so.1")).toString());
    }
  }

  private static boolean hasBinding() {
    String folders = System.getProperty("java.library.path", "");
    return Arrays.stream(folders.split(File.pathSeparator))
        .anyMatch(folder -> Files.isRegularFile(Path.of(folder, "libjninvml.so")));
  }

  @BeforeEach
  void requireDriver() throws Exception {
    assumeTrue(loaded, "expected libjninvml.so and the fake NVML of the native module's tests");
    Files.deleteIfExists(folder.resolve("state"));
  }

  /** Lines of status, memory, used, utilization, temperature and throttle reasons. */
  private static void state(String... gpus) throws Exception {
    Files.writeString(folder.resolve("state"), String.join("\n", gpus));
  }

  @Test
  void readsWhatTheDriverSays() throws Exception {
    state("0 80000000000 12345 97 61 0", "0 40000000000 1 -1 33 36");
    try (DeviceMonitor monitor = NvmlMonitor.open(device -> List.of())) {
      List<GpuReading> gpus = monitor.read();
      assertEquals(
          List.of(
              new GpuReading(
                  "0000:3B:00.0",
                  "Fake GPU",
                  "GPU-0",
                  80_000_000_000L,
                  12_345,
                  97,
                  61,
                  List.of(),
                  null),
              new GpuReading(
                  "0000:D8:00.0",
                  "Fake GPU",
                  "GPU-1",
                  40_000_000_000L,
                  1,
                  (int) DeviceStats.UNKNOWN,
                  33,
                  List.of("power cap", "thermal slowdown"),
                  null)),
          gpus);
      state("0 80000000000 12345 3 99 1", "0 40000000000 1 0 33 200");
      assertEquals(3, monitor.read().get(0).utilizationPercent(), "read anew");
      assertEquals(List.of(), monitor.read().get(0).throttling(), "an idle GPU is not throttled");
      assertEquals(
          List.of("hardware slowdown", "hardware thermal slowdown", "power brake"),
          monitor.read().get(1).throttling());
    }
  }

  @ParameterizedTest
  @CsvSource({
    GPU_IS_LOST + ", the GPU fell off the bus: nvmlDevice",
    RESET_REQUIRED + ", the GPU has to be reset: nvmlDevice"
  })
  void aLostGpuIsNamed(int status, String problem) throws Exception {
    state("0 8 1 2 3 0", "0 8 1 2 3 0");
    try (DeviceMonitor monitor = NvmlMonitor.open(device -> List.of())) {
      state("0 8 1 2 3 0", status + " 8 1 2 3 0");
      assertNull(monitor.read().get(0).problem());
      GpuReading lost = monitor.read().get(1);
      assertTrue(lost.problem().startsWith(problem), lost.problem());
      assertEquals("GPU-1", lost.uuid());
      assertEquals(DeviceStats.UNKNOWN, lost.memoryBytes());
      state("0 8 1 2 3 0", SUCCESS + " 8 1 2 3 0");
      assertNull(monitor.read().get(1).problem());
    }
  }

  @Test
  void otherErrorsKeepValuesUnknown() throws Exception {
    state("0 8 1 2 3 0");
    try (DeviceMonitor monitor = NvmlMonitor.open(device -> List.of())) {
      state(UNKNOWN_ERROR + " 8 1 2 3 0");
      GpuReading gpu = monitor.read().get(0);
      assertNull(gpu.problem());
      assertEquals(DeviceStats.UNKNOWN, gpu.memoryBytes());
      assertEquals(DeviceStats.UNKNOWN, gpu.temperatureCelsius());
    }
  }

  @Test
  void withoutDriverNoGpuIsKnown() {
    assertSame(DeviceMonitor.NONE, NvmlMonitor.open(device -> List.of()));
    assertEquals(List.of(), DeviceMonitor.NONE.read());
  }

  @Test
  void aProcessorHasNoAddress() throws Exception {
    state("0 8 1 2 3 0");
    try (DeviceMonitor monitor = NvmlMonitor.open()) {
      assertEquals(List.of(), monitor.busesOf("cpu"));
    }
  }

  @Test
  void cudasAddressesAndTheDriversAreOne() throws Exception {
    state("0 8 1 2 3 0");
    try (DeviceMonitor monitor = NvmlMonitor.open(d -> List.of("0000:3b:00.0"))) {
      assertEquals(List.of(monitor.read().get(0).bus()), monitor.busesOf("cuda:0"));
    }
    assertEquals("10000:3B:00.0", GpuReading.canonicalBus("00010000:3b:00.0"));
    assertThrows(IllegalArgumentException.class, () -> GpuReading.canonicalBus("3b"));
  }
}
