package dev.gavel.server.observability;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.bytedeco.cuda.global.nvml;
import org.bytedeco.cuda.nvml.nvmlDevice_st;
import org.bytedeco.cuda.nvml.nvmlMemory_t;
import org.bytedeco.cuda.nvml.nvmlPciInfo_t;
import org.bytedeco.cuda.nvml.nvmlUtilization_t;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * NVIDIA's management library, as its preset binds it, with every return code checked. It calls
 * only what drivers have had for years: a function that the driver's library lacks would end the
 * process.
 */
final class Nvml implements AutoCloseable {
  /** A call failed; the message names it. */
  static final class NvmlException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int code;

    NvmlException(String call, int code) {
      super(call + ": " + nvml.nvmlErrorString(code).getString() + " (" + code + ")");
      this.code = code;
    }

    /** An {@code NVML_ERROR}. */
    int code() {
      return code;
    }
  }

  /** One GPU; good until the library is closed. */
  static final class Gpu {
    private final nvmlDevice_st handle = new nvmlDevice_st();
  }

  /** The preset's binding; lies beside the other native libraries. */
  private static final String BINDING = "jninvml";

  private static final String LOAD_LIBRARIES = "org.bytedeco.javacpp.loadLibraries";
  private static final List<Class<?>> USED =
      List.of(
          nvml.class,
          nvmlDevice_st.class,
          nvmlMemory_t.class,
          nvmlPciInfo_t.class,
          nvmlUtilization_t.class);
  private static boolean loaded;

  private Nvml() {}

  /**
   * Loads the driver's library and starts it.
   *
   * @throws LinkageError if the preset, its binding or the driver's library is not there
   */
  static Nvml open() throws NvmlException {
    load();
    check("nvmlInit", nvml.nvmlInit_v2());
    return new Nvml();
  }

  /**
   * The preset's classes load themselves, and before that CUDA's runtime with its binding, which
   * NVML does not need and which is not here. So while they are initialized JavaCPP is told to load
   * nothing; {@code libjninvml.so}, which wants nothing but the driver, is loaded by name.
   * JavaCPP's own classes are loaded before, so that no other thread misses anything meanwhile.
   */
  private static synchronized void load() {
    if (loaded) {
      return;
    }
    Loader.load(Pointer.class);
    String before = System.getProperty(LOAD_LIBRARIES);
    System.setProperty(LOAD_LIBRARIES, "false");
    try {
      System.loadLibrary(BINDING);
      for (Class<?> used : USED) {
        Class.forName(used.getName());
      }
    } catch (ClassNotFoundException e) {
      throw new NoClassDefFoundError(e.getMessage());
    } finally {
      if (before == null) {
        System.clearProperty(LOAD_LIBRARIES);
      } else {
        System.setProperty(LOAD_LIBRARIES, before);
      }
    }
    loaded = true;
  }

  private static void check(String call, int code) throws NvmlException {
    if (code != nvml.NVML_SUCCESS) {
      throw new NvmlException(call, code);
    }
  }

  int count() throws NvmlException {
    int[] count = new int[1];
    check("nvmlDeviceGetCount", nvml.nvmlDeviceGetCount_v2(count));
    return count[0];
  }

  Gpu gpu(int index) throws NvmlException {
    Gpu gpu = new Gpu();
    check("nvmlDeviceGetHandleByIndex", nvml.nvmlDeviceGetHandleByIndex_v2(index, gpu.handle));
    return gpu;
  }

  String name(Gpu gpu) throws NvmlException {
    byte[] name = new byte[nvml.NVML_DEVICE_NAME_BUFFER_SIZE];
    check("nvmlDeviceGetName", nvml.nvmlDeviceGetName(gpu.handle, name, name.length));
    return text(name);
  }

  String uuid(Gpu gpu) throws NvmlException {
    byte[] uuid = new byte[nvml.NVML_DEVICE_UUID_BUFFER_SIZE];
    check("nvmlDeviceGetUUID", nvml.nvmlDeviceGetUUID(gpu.handle, uuid, uuid.length));
    return text(uuid);
  }

  private static String text(byte[] bytes) {
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }

  /** PCI address, {@code domain:bus:device.function}. */
  String bus(Gpu gpu) throws NvmlException {
    try (nvmlPciInfo_t pci = new nvmlPciInfo_t()) {
      check("nvmlDeviceGetPciInfo", nvml.nvmlDeviceGetPciInfo_v3(gpu.handle, pci));
      return pci.busId().getString();
    }
  }

  /** Bytes in all, and in use. */
  long[] memory(Gpu gpu) throws NvmlException {
    try (nvmlMemory_t memory = new nvmlMemory_t()) {
      check("nvmlDeviceGetMemoryInfo", nvml.nvmlDeviceGetMemoryInfo(gpu.handle, memory));
      return new long[] {memory.total(), memory.used()};
    }
  }

  /** Percent of the last sample period. */
  int utilization(Gpu gpu) throws NvmlException {
    try (nvmlUtilization_t rates = new nvmlUtilization_t()) {
      check("nvmlDeviceGetUtilizationRates", nvml.nvmlDeviceGetUtilizationRates(gpu.handle, rates));
      return rates.gpu();
    }
  }

  /** Degrees Celsius. */
  @SuppressWarnings("deprecation") // the one that all drivers have
  int temperature(Gpu gpu) throws NvmlException {
    int[] celsius = new int[1];
    check(
        "nvmlDeviceGetTemperature",
        nvml.nvmlDeviceGetTemperature(gpu.handle, nvml.NVML_TEMPERATURE_GPU, celsius));
    return celsius[0];
  }

  /** Bits, {@code nvmlClocksThrottleReason*}. */
  @SuppressWarnings("deprecation") // the one that all drivers have
  long throttleReasons(Gpu gpu) throws NvmlException {
    long[] reasons = new long[1];
    check(
        "nvmlDeviceGetCurrentClocksThrottleReasons",
        nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu.handle, reasons));
    return reasons[0];
  }

  @Override
  public void close() {
    nvml.nvmlShutdown(); // whatever it says, there is nothing left to do
  }
}
