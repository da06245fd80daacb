package dev.gavel.training.stage;

import dev.gavel.engine.DType;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.Precision;
import dev.gavel.training.run.AdamWOptimizer;
import dev.gavel.training.run.TrainingSettings;
import java.nio.file.Path;

/** What the configurations of stages that train a model have in common. */
sealed interface TrainedConfig permits SftConfig, DpoConfig, GrpoConfig {
  Path model();

  Gradients gradients();

  Precision precision();

  SftConfig.Adapters lora();

  long seed();

  Path dev();

  int microTokens();

  DType dtype();

  int threads();

  double learningRate();

  double warmupShare();

  double endShare();

  double weightDecay();

  double clip();

  int checkpointSteps();

  int averageCheckpoints();

  /** 0 runs all steps. */
  default int stopSteps() {
    return 0;
  }

  /** What the trainer of any stage is told. */
  default TrainingSettings training() {
    AdamWOptimizer.Settings standard = AdamWOptimizer.Settings.DEFAULT;
    return new TrainingSettings(
        microTokens(),
        gradients(),
        learningRate(),
        warmupShare(),
        endShare(),
        new AdamWOptimizer.Settings(
            standard.beta1(), standard.beta2(), standard.epsilon(), weightDecay(), clip()),
        checkpointSteps(),
        averageCheckpoints(),
        stopSteps());
  }
}
