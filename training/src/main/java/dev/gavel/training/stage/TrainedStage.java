package dev.gavel.training.stage;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A stage that trains a model, between its first and its last line: the run's directory, the model
 * directory that it begins with, and the model. Data is read before {@link #load}, so that what is
 * wrong with it is heard early.
 */
final class TrainedStage implements AutoCloseable {
  private final TrainedConfig config;
  private final RunDirectory directory;
  private final Progress progress;
  private final RelevanceModel base;
  private CausalLm model;

  private TrainedStage(
      TrainedConfig config, RunDirectory directory, Progress progress, RelevanceModel base) {
    this.config = config;
    this.directory = directory;
    this.progress = progress;
    this.base = base;
  }

  /**
   * Begins in {@code out}, or goes on with what it holds.
   *
   * @throws IllegalArgumentException if {@code out} holds another run
   */
  static <C extends Record & TrainedConfig> TrainedStage begin(
      C config, Path out, Progress progress, GradientExchange exchange) throws IOException {
    RunDirectory directory = RunDirectory.open(out, StageConfig.toJson(config), exchange);
    Torch.load();
    if (config.threads() > 0) {
      Torch.threads(config.threads());
    }
    RelevanceModel base = RelevanceModel.open(config.model());
    progress.note("reading the data");
    return new TrainedStage(config, directory, progress, base);
  }

  RelevanceModel base() {
    return base;
  }

  RunDirectory directory() {
    return directory;
  }

  /**
   * Loads the model, its weights or its adapters marked as trained. It is closed with this stage.
   *
   * @param trainable pattern of the names of weights to train, or null for all
   */
  ModelRun load(String trainable) {
    DevSet dev = config.dev() == null ? null : new DevSet(base, config.dev(), config.microTokens());
    progress.note("loading the model");
    model = CausalLm.load(config.model(), config.precision());
    if (config.lora() == null) {
      model.parameters().train(trainable);
    } else {
      model.add(config.lora().toLora(config.seed()));
    }
    return new ModelRun(model, config.model(), config.dtype(), dev, directory, progress);
  }

  @Override
  public void close() {
    if (model != null) {
      model.close();
    }
    base.close();
  }
}
