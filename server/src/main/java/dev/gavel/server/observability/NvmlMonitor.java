package dev.gavel.server.observability;

import dev.gavel.engine.EngineException;
import dev.gavel.engine.Hardware;
import dev.gavel.server.observability.Nvml.NvmlException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.bytedeco.cuda.global.nvml;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** NVIDIA GPUs, as the driver's NVML sees them. */
public final class NvmlMonitor implements DeviceMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(NvmlMonitor.class);

  /** After these a GPU computes nothing any more; other errors only keep a value unknown. */
  private static final Set<Integer> LOST =
      Set.of(nvml.NVML_ERROR_GPU_IS_LOST, nvml.NVML_ERROR_RESET_REQUIRED);

  /** Of what slows a GPU down, what is neither idleness nor somebody's wish. */
  private static final Map<Long, String> REASONS = reasons();

  private record Gpu(Nvml.Gpu handle, String bus, String product, String uuid) {}

  /** A value of one GPU. */
  private interface Value<T> {
    T of(Nvml.Gpu gpu) throws NvmlException;
  }

  private final Nvml library;
  private final Function<String, List<String>> busesOfDevice;
  private final List<Gpu> gpus = new ArrayList<>();

  private NvmlMonitor(Nvml library, Function<String, List<String>> busesOfDevice)
      throws NvmlException {
    this.library = library;
    this.busesOfDevice = busesOfDevice;
    int count = library.count();
    for (int i = 0; i < count; i++) {
      try {
        gpus.add(gpu(i));
      } catch (NvmlException e) {
        LOG.warn("GPU {} of the driver is not watched: {}", i, e.getMessage());
      }
    }
  }

  private Gpu gpu(int index) throws NvmlException {
    Nvml.Gpu gpu = library.gpu(index);
    String bus = GpuReading.canonicalBus(library.bus(gpu));
    return new Gpu(gpu, bus, known(library::name, gpu, ""), known(library::uuid, gpu, ""));
  }

  private static Map<Long, String> reasons() {
    Map<Long, String> reasons = new LinkedHashMap<>();
    reasons.put(nvml.nvmlClocksEventReasonSwPowerCap, "power cap");
    reasons.put(nvml.nvmlClocksThrottleReasonHwSlowdown, "hardware slowdown");
    reasons.put(nvml.nvmlClocksEventReasonSwThermalSlowdown, "thermal slowdown");
    reasons.put(nvml.nvmlClocksThrottleReasonHwThermalSlowdown, "hardware thermal slowdown");
    reasons.put(nvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown, "power brake");
    return reasons;
  }

  /**
   * Starts the driver's library. Where it is not there, or its binding is not, that is logged once
   * and no GPU is known.
   */
  public static DeviceMonitor open() {
    return open(NvmlMonitor::busesOfCuda);
  }

  /**
   * @param busesOfDevice PCI addresses of what an engine computes on
   */
  static DeviceMonitor open(Function<String, List<String>> busesOfDevice) {
    Nvml library = null;
    try {
      library = Nvml.open();
      return new NvmlMonitor(library, busesOfDevice);
    } catch (NvmlException | LinkageError e) {
      if (library != null) {
        library.close();
      }
      LOG.info("GPUs are not watched, no driver or no binding to it: {}", e.getMessage());
      return NONE;
    }
  }

  private static List<String> busesOfCuda(String device) {
    try {
      return Hardware.cudaBuses(device);
    } catch (EngineException e) {
      LOG.warn("{} is not watched: {}", device, e.getMessage());
      return List.of();
    }
  }

  @Override
  public List<String> busesOf(String device) {
    return busesOfDevice.apply(device).stream().map(GpuReading::canonicalBus).toList();
  }

  @Override
  public List<GpuReading> read() {
    return gpus.stream().map(this::read).toList();
  }

  private GpuReading read(Gpu gpu) {
    try {
      long[] unknown = {DeviceStats.UNKNOWN, DeviceStats.UNKNOWN};
      long[] memory = known(library::memory, gpu.handle, unknown);
      return new GpuReading(
          gpu.bus,
          gpu.product,
          gpu.uuid,
          memory[0],
          memory[1],
          known(library::utilization, gpu.handle, (int) DeviceStats.UNKNOWN),
          known(library::temperature, gpu.handle, (int) DeviceStats.UNKNOWN),
          names(known(library::throttleReasons, gpu.handle, 0L)),
          null);
    } catch (NvmlException e) {
      return GpuReading.lost(gpu.bus, gpu.product, gpu.uuid, problem(e));
    }
  }

  /** The value, or {@code otherwise} where the driver does not tell it. */
  private static <T> T known(Value<T> value, Nvml.Gpu gpu, T otherwise) throws NvmlException {
    try {
      return value.of(gpu);
    } catch (NvmlException e) {
      if (LOST.contains(e.code())) {
        throw e;
      }
      LOG.debug("not known", e);
      return otherwise;
    }
  }

  private static String problem(NvmlException e) {
    return e.code() == nvml.NVML_ERROR_GPU_IS_LOST
        ? "the GPU fell off the bus: " + e.getMessage()
        : "the GPU has to be reset: " + e.getMessage();
  }

  private static List<String> names(long bits) {
    return REASONS.entrySet().stream()
        .filter(reason -> (bits & reason.getKey()) != 0)
        .map(Map.Entry::getValue)
        .toList();
  }

  @Override
  public void close() {
    library.close();
  }
}
