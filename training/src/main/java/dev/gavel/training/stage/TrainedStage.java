package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A stage that trains a model, between its first and its last line: the model directory that it
 * begins with, the model, and the run's directory. Data is read before {@link #load}, so that what
 * is wrong with it is heard early, and before anything is written.
 */
final class TrainedStage implements AutoCloseable {
  private final TrainedConfig config;
  private final ObjectNode json; // the same
  private final Path out;
  private final Progress progress;
  private final GradientExchange exchange;
  private final RelevanceModel base;
  private CausalLm model;
  private RunDirectory directory;

  private <C extends Record & TrainedConfig> TrainedStage(
      C config, Path out, Progress progress, GradientExchange exchange) throws IOException {
    this.config = config;
    this.json = StageConfig.toJson(config);
    this.out = out;
    this.progress = progress;
    this.exchange = exchange;
    RunDirectory.requireSame(out, json);
    Torch.load();
    if (config.threads() > 0) {
      Torch.threads(config.threads());
    }
    this.base = RelevanceModel.open(config.model());
  }

  /**
   * Begins in {@code out}, or goes on with what it holds.
   *
   * @throws IllegalArgumentException if {@code out} holds another run
   */
  static <C extends Record & TrainedConfig> TrainedStage begin(
      C config, Path out, Progress progress, GradientExchange exchange) throws IOException {
    TrainedStage stage = new TrainedStage(config, out, progress, exchange);
    progress.note("reading the data");
    return stage;
  }

  RelevanceModel base() {
    return base;
  }

  /** The run's directory, open since {@link #load}. */
  RunDirectory directory() {
    return directory;
  }

  /**
   * Loads the model, its weights or its adapters marked as trained, and opens the run's directory:
   * nothing has been written before. The model is closed with this stage.
   *
   * @param trainable pattern of the names of weights to train, or null for all
   */
  ModelRun load(String trainable) throws IOException {
    DevSet dev = config.dev() == null ? null : new DevSet(base, config.dev(), config.microTokens());
    progress.note("loading the model");
    model = CausalLm.load(config.model(), config.precision());
    if (config.lora() == null) {
      model.parameters().train(trainable);
    } else {
      model.add(config.lora().toLora(config.seed()));
    }
    directory = RunDirectory.open(out, json, exchange);
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
