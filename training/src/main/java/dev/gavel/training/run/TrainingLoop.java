package dev.gavel.training.run;

import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Parameters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Steps of any stage: gradients, optimizer, metrics, checkpoints. A run that was stopped anywhere
 * goes on from its last checkpoint with the same bits as one that was not.
 */
public final class TrainingLoop implements AutoCloseable {
  /**
   * How a run goes.
   *
   * @param checkpointSteps a checkpoint is written after as many steps, and at the end
   * @param checkpointsKept older ones are removed
   */
  public record Settings(
      Schedule schedule,
      AdamWOptimizer.Settings optimizer,
      int checkpointSteps,
      int checkpointsKept) {
    public Settings {
      if (checkpointSteps < 1 || checkpointsKept < 1) {
        throw new IllegalArgumentException(
            "checkpoints: expected steps and number kept above 0, found "
                + checkpointSteps
                + ", "
                + checkpointsKept);
      }
    }
  }

  /** What is particular to a stage. */
  @FunctionalInterface
  public interface Stage {
    /**
     * Adds the gradients of a step, counted from 0, to the parameters'.
     *
     * @return its metrics, {@code loss} first
     */
    StepMetrics accumulate(int step);
  }

  private final Parameters parameters;
  private final Settings settings;
  private final RunDirectory directory;
  private final Progress progress;
  private final AdamWOptimizer optimizer;
  private int done;

  /**
   * Begins a run, or goes on with the last checkpoint of its directory.
   *
   * @param model with what is to be trained marked so
   */
  public TrainingLoop(CausalLm model, Settings settings, RunDirectory directory, Progress progress)
      throws IOException {
    this.parameters = model.parameters();
    this.settings = settings;
    this.directory = directory;
    this.progress = progress;
    this.optimizer = new AdamWOptimizer(parameters, settings.optimizer());
    parameters.zeroGradients();
    Optional<Path> checkpoint = directory.latest();
    if (checkpoint.isPresent()) {
      parameters.loadTrainable(checkpoint.get().resolve(RunDirectory.PARAMETERS));
      optimizer.load(checkpoint.get());
      done = RunDirectory.step(checkpoint.get());
    }
    directory.forgetAfter(done);
  }

  /** Steps done. */
  public int done() {
    return done;
  }

  /** Runs until {@code until} steps are done, at most all. */
  public void run(Stage stage, int until) throws IOException {
    int total = settings.schedule().totalSteps();
    int end = Math.min(until, total);
    while (done < end) {
      double rate = settings.schedule().rate(done);
      StepMetrics metrics = stage.accumulate(done);
      double norm = optimizer.step(rate);
      done++;
      StepMetrics full = metrics.with("learning_rate", rate).with("gradient_norm", norm);
      requireFinite(full);
      directory.log(full);
      progress.step(full, total);
      if (done % settings.checkpointSteps() == 0 || done == total) {
        directory.checkpoint(done, settings.checkpointsKept(), this::write);
      }
    }
  }

  private static void requireFinite(StepMetrics metrics) {
    metrics
        .values()
        .forEach(
            (name, value) -> {
              if (!Double.isFinite(value)) {
                throw new ArithmeticException(
                    "step " + metrics.step() + ": " + name + ": expected a number, found " + value);
              }
            });
  }

  private void write(Path folder) {
    parameters.saveTrainable(folder.resolve(RunDirectory.PARAMETERS));
    optimizer.save(folder);
  }

  @Override
  public void close() {
    optimizer.close();
  }
}
