package dev.gavel.cli.bench;

import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineException;
import dev.gavel.engine.EngineInfo;
import dev.gavel.engine.Hardware;
import dev.gavel.engine.Hardware.Provider;
import dev.gavel.engine.ModelConfig;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What this machine can do, measured now: the best large matrix product of any library at hand, and
 * memory bandwidth.
 *
 * @param gigaOperationsPerSecond of the best provider
 * @param provider whose product was fastest
 * @param m rows of the product, n its columns, k its depth
 * @param gigabytesPerSecond copying a buffer far larger than the caches
 * @param note why a provider is missing; empty if none is
 */
public record Ceiling(
    double gigaOperationsPerSecond,
    String provider,
    int m,
    int n,
    int k,
    double gigabytesPerSecond,
    String note) {
  private static final double GEMM_SECONDS = 0.7;
  private static final double COPY_SECONDS = 0.3;
  private static final long COPY_BYTES = 256L << 20;
  private static final long DEVICE_COPY_BYTES = 1L << 30;

  /**
   * Measures where the engine computes, and in what; takes two to three seconds.
   *
   * @param rows rows of a batch
   */
  public static Ceiling measure(Engine engine, int rows) {
    EngineInfo info = engine.info();
    return info.device().equals("cpu")
        ? ofCpu(engine.config(), info, rows)
        : ofDevice(engine.config(), info, rows);
  }

  private static Ceiling ofDevice(ModelConfig config, EngineInfo info, int rows) {
    int n = config.experts() > 0 ? config.expertIntermediate() : config.intermediate();
    int k = config.hidden();
    double speed =
        Hardware.deviceGemmGigaOperationsPerSecond(
            info.device(), info.quantization(), rows, n, k, GEMM_SECONDS);
    double bandwidth = gigabytesPerSecond(info, COPY_BYTES, COPY_SECONDS);
    String provider = Provider.LIBTORCH.name().toLowerCase(Locale.ROOT);
    return new Ceiling(speed, provider, rows, n, k, bandwidth, "");
  }

  /**
   * Memory bandwidth where the engine computes.
   *
   * @param bytes of the buffer, where that is a CPU
   */
  static double gigabytesPerSecond(EngineInfo info, long bytes, double seconds) {
    return info.device().equals("cpu")
        ? Hardware.memoryGigabytesPerSecond(info.threads(), bytes, seconds)
        : Hardware.deviceGigabytesPerSecond(info.device(), DEVICE_COPY_BYTES, seconds);
  }

  private static Ceiling ofCpu(ModelConfig config, EngineInfo info, int rows) {
    int n = config.experts() > 0 ? config.expertIntermediate() : config.intermediate();
    int k = config.hidden();
    String note = openLibtorch();
    double best = 0;
    Provider fastest = Provider.GAVEL;
    for (Provider provider : Provider.values()) {
      if (provider == Provider.LIBTORCH && !note.isEmpty()) {
        continue;
      }
      double speed =
          Hardware.gemmGigaOperationsPerSecond(
              provider, info.quantization(), info.threads(), rows, n, k, GEMM_SECONDS);
      if (speed > best) {
        best = speed;
        fastest = provider;
      }
    }
    double bandwidth = gigabytesPerSecond(info, COPY_BYTES, COPY_SECONDS);
    return new Ceiling(best, fastest.name().toLowerCase(Locale.ROOT), rows, n, k, bandwidth, note);
  }

  /** The better of two measurements: what was possible at one time is a ceiling at any time. */
  public Ceiling max(Ceiling other) {
    Ceiling faster = gigaOperationsPerSecond >= other.gigaOperationsPerSecond ? this : other;
    return new Ceiling(
        faster.gigaOperationsPerSecond,
        faster.provider,
        m,
        n,
        k,
        Math.max(gigabytesPerSecond, other.gigabytesPerSecond),
        note);
  }

  /** Why LibTorch is not there; empty if it is. */
  private static String openLibtorch() {
    String directory = System.getProperty("gavel.native.dir", "");
    if (directory.isEmpty()) {
      return "libtorch: no folder given (gavel.native.dir)";
    }
    try {
      Hardware.openLibtorch(Path.of(directory));
      return "";
    } catch (EngineException e) {
      return e.getMessage();
    }
  }
}
