package dev.gavel.training.stage;

import dev.gavel.engine.DType;
import dev.gavel.training.model.Precision;
import dev.gavel.training.run.AdamWOptimizer;
import java.nio.file.Path;

/** What the configurations of stages that train a model have in common. */
sealed interface TrainedConfig permits SftConfig, DpoConfig, GrpoConfig {
  Path model();

  Precision precision();

  SftConfig.Adapters lora();

  long seed();

  Path dev();

  int microTokens();

  DType dtype();

  int threads();

  double weightDecay();

  double clip();

  default AdamWOptimizer.Settings optimizer() {
    AdamWOptimizer.Settings standard = AdamWOptimizer.Settings.DEFAULT;
    return new AdamWOptimizer.Settings(
        standard.beta1(), standard.beta2(), standard.epsilon(), weightDecay(), clip());
  }
}
