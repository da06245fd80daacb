package dev.gavel.cli;

import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import picocli.CommandLine.Option;

/** How a local engine computes. */
public final class EngineFlags {
  @Option(
      names = "--quantization",
      paramLabel = "fp32|int8",
      converter = QuantizationConverter.class,
      description = "How linear layers compute; fp32 (the default) is exact.")
  private Quantization quantization;

  @Option(names = "--threads", paramLabel = "T", description = "CPU threads; default: all cores.")
  private Integer threads;

  /** The engine's defaults with what was given. */
  public EngineOptions options(Action action) {
    EngineOptions options = EngineOptions.defaults();
    if (quantization != null) {
      options = options.withQuantization(quantization);
    }
    if (threads != null) {
      if (threads < 1 || threads > 1024) {
        throw action.usage("--threads: expected 1 to 1024, found " + threads);
      }
      options = options.withThreads(threads);
    }
    return options;
  }

  void refuseWithTarget(Action action) {
    if (quantization != null || threads != null) {
      throw action.usage(
          "--quantization and --threads go with --model; with --target the server has decided");
    }
  }
}
