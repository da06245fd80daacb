package dev.gavel.engine;

import dev.gavel.engine.binding.Gavel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The machine's measured ceilings, to state beside every speed. */
public final class Hardware {
  /** Whose matrix product is measured, in the order of {@code gavel.h}. */
  public enum Provider {
    GAVEL,
    LIBTORCH
  }

  private Hardware() {}

  /**
   * Rate of C[m,n] = A[m,k] B[k,n]: billions of operations a second, 2mnk each, of the fastest run.
   *
   * @param seconds how long to measure
   * @throws EngineException UNAVAILABLE if this build has no such arithmetic, FAILED_PRECONDITION
   *     if LibTorch is not open
   */
  public static double gemmGigaOperationsPerSecond(
      Provider provider,
      Quantization quantization,
      int threads,
      int m,
      int n,
      int k,
      double seconds) {
    NativeRuntime.load();
    double[] rate = new double[1];
    NativeRuntime.check(
        Gavel.gavel_measure_gemm(
            provider.ordinal(), quantization.ordinal(), threads, m, n, k, seconds, rate));
    return rate[0];
  }

  /**
   * The same where an engine on CUDA computes, with the products that it has there. Of several
   * devices the first is measured, and the sum over all is given.
   *
   * @param device {@code cuda:N} or {@code cuda:N+M}
   * @param quantization one that a CUDA device takes
   * @throws EngineException UNAVAILABLE without the device or a LibTorch that drives it
   */
  public static double deviceGemmGigaOperationsPerSecond(
      String device, Quantization quantization, int m, int n, int k, double seconds) {
    int[] indexes = DeviceName.parse(device).indexes();
    NativeRuntime.load();
    double[] rate = new double[1];
    NativeRuntime.check(
        Gavel.gavel_measure_device_gemm(
            indexes[0], quantization.ordinal(), m, n, k, seconds, rate));
    return rate[0] * indexes.length;
  }

  /**
   * The memory of CUDA devices in GB/s, read and written, by copies of so many bytes; several
   * devices as above.
   *
   * @param device {@code cuda:N} or {@code cuda:N+M}
   * @throws EngineException UNAVAILABLE without the device
   */
  public static double deviceGigabytesPerSecond(String device, long bytes, double seconds) {
    int[] indexes = DeviceName.parse(device).indexes();
    NativeRuntime.load();
    double[] rate = new double[1];
    NativeRuntime.check(Gavel.gavel_measure_device_copy(indexes[0], bytes, seconds, rate));
    return rate[0] * indexes.length;
  }

  /** Memory read bandwidth in GB/s over a buffer of the given size. */
  public static double memoryGigabytesPerSecond(int threads, long bufferBytes, double seconds) {
    NativeRuntime.load();
    double[] rate = new double[1];
    NativeRuntime.check(Gavel.gavel_measure_bandwidth(threads, bufferBytes, seconds, rate));
    return rate[0];
  }

  /**
   * Opens LibTorch 2.10 or later from the directory that holds {@code libtorch_cpu.so}.
   *
   * @throws EngineException UNAVAILABLE if it is not there or too old
   */
  public static void openLibtorch(Path directory) {
    NativeRuntime.load();
    NativeRuntime.check(Gavel.gavel_libtorch_open(directory.toString()));
  }

  /**
   * The PCI addresses, {@code domain:bus:device.function}, of the CUDA devices that an engine
   * computes on; other tools know them by these.
   *
   * @param device as {@link EngineInfo#device}; without addresses for the CPU
   * @throws EngineException UNAVAILABLE if there is no such device
   */
  public static List<String> cudaBuses(String device) {
    NativeRuntime.load();
    return Arrays.stream(DeviceName.parse(device).indexes()).mapToObj(Hardware::cudaBus).toList();
  }

  private static String cudaBus(int index) {
    byte[] address = new byte[32];
    NativeRuntime.check(Gavel.gavel_cuda_bus(index, address, address.length));
    int end = 0;
    while (end < address.length && address[end] != 0) {
      end++;
    }
    return new String(address, 0, end, StandardCharsets.US_ASCII);
  }

  /** As {@link EngineInfo#instructionSet}. */
  public static String instructionSet() {
    NativeRuntime.load();
    return Gavel.gavel_instruction_set().getString();
  }
}
