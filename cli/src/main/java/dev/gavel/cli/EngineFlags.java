package dev.gavel.cli;

import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.server.ServerConfig;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How a local engine computes. What is not given stays as it was. */
public final class EngineFlags {
  private static final int THREADS_MAX = 1024;

  @Option(
      names = "--quantization",
      paramLabel = "fp32|int8|bf16|fp16|fp8",
      converter = QuantizationConverter.class,
      description =
          "How the model computes: on a CPU fp32 (its default, exact) or int8, on a CUDA device bf16"
              + " (its default), fp16 or fp8.")
  private Quantization quantization;

  @Option(names = "--threads", paramLabel = "T", description = "CPU threads; default: all cores.")
  private Integer threads;

  /** For an engine without a server. */
  public EngineOptions options(Action action) {
    EngineOptions options = EngineOptions.defaults();
    if (quantization != null) {
      options = options.withQuantization(quantization);
    }
    return threads == null ? options : options.withThreads(checkedThreads(action));
  }

  /**
   * The server's settings in a file over the defaults; the defaults where {@code file} is null.
   *
   * @throws CliException naming the file and what is wrong with it
   */
  public static ServerConfig read(Path file) {
    try {
      return file == null ? ServerConfig.defaults() : ServerConfig.read(file);
    } catch (IllegalArgumentException e) {
      throw new CliException(ExitCode.DATA, e.getMessage(), e);
    }
  }

  /** For a server. */
  public ServerConfig applyTo(ServerConfig config, Action action) {
    ServerConfig chosen = quantization == null ? config : config.withQuantization(quantization);
    if (threads == null) {
      return chosen;
    }
    ServerConfig.EngineRoom room = chosen.engine();
    return chosen.withEngine(
        new ServerConfig.EngineRoom(
            room.device(),
            room.quantization(),
            checkedThreads(action),
            room.batchTokensMax(),
            room.batchDelayMicrosMax(),
            room.blockTokens(),
            room.kvBlocks(),
            room.kvBytesMax(),
            room.kvCacheEnabled()));
  }

  private int checkedThreads(Action action) {
    if (threads < 1 || threads > THREADS_MAX) {
      throw action.usage("--threads: expected 1 to " + THREADS_MAX + ", found " + threads);
    }
    return threads;
  }

  /** With a running server these flags are a mistake. */
  public void refuseWithTarget(Action action) {
    if (quantization != null || threads != null) {
      throw action.usage(
          "--quantization and --threads go with --model; with --target the server has decided");
    }
  }
}
