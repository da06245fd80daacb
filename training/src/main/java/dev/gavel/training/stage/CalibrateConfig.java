package dev.gavel.training.stage;

import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.Quantization;
import dev.gavel.training.stage.StageConfig.Default;
import java.nio.file.Path;

/**
 * The configuration of {@code gavel train calibrate}; docs/training.md explains the keys.
 *
 * @param threads of the engine; 0 is all cores
 */
public record CalibrateConfig(
    Path model, Path dev, @Default("fp32") Quantization quantization, @Default("0") int threads) {
  public CalibrateConfig {
    if (threads < 0) {
      throw new IllegalArgumentException("threads: expected 0 or more, found " + threads);
    }
  }

  EngineOptions engine() {
    EngineOptions options = EngineOptions.defaults().withQuantization(quantization);
    return threads == 0 ? options : options.withThreads(threads);
  }
}
