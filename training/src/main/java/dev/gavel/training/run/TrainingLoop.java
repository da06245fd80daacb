package dev.gavel.training.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Parameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Steps of any stage: gradients, optimizer, metrics, checkpoints. A run that was stopped anywhere
 * goes on from its last checkpoint with the same bits as one that was not.
 */
public final class TrainingLoop implements AutoCloseable {
  /** What is particular to a stage. */
  @FunctionalInterface
  public interface Stage {
    /**
     * Adds the gradients of a step, counted from 0, to the parameters'. Of several workers each
     * adds those of its own part.
     *
     * @return its metrics, {@code loss} first
     */
    StepMetrics accumulate(int step);

    /** What this worker must know to go on after the steps done so far; read by {@link #state}. */
    default String state() {
      return "";
    }
  }

  private static final String STATES = "stage.json";
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Parameters parameters;
  private final TrainingSettings settings;
  private final Schedule schedule;
  private final int steps;
  private final RunDirectory directory;
  private final Progress progress;
  private final AdamWOptimizer optimizer;
  private final GradientExchange exchange;
  private String state = "";
  private int done;

  /**
   * Begins a run, or goes on with the last checkpoint of its directory.
   *
   * @param model with what is to be trained marked so
   * @param scheduled steps that the learning rate is planned for; where the run is not to stop
   *     before, that many are done
   */
  public TrainingLoop(
      CausalLm model,
      TrainingSettings settings,
      int scheduled,
      RunDirectory directory,
      Progress progress)
      throws IOException {
    this.parameters = model.parameters();
    this.settings = settings;
    this.schedule = settings.schedule(scheduled);
    this.steps = settings.steps(scheduled);
    this.directory = directory;
    this.progress = progress;
    this.exchange = directory.exchange();
    this.optimizer = new AdamWOptimizer(parameters, settings.optimizer());
    parameters.zeroGradients();
    Optional<Path> checkpoint = directory.latest();
    if (checkpoint.isPresent()) {
      parameters.loadTrainable(checkpoint.get().resolve(RunDirectory.PARAMETERS));
      optimizer.load(checkpoint.get());
      done = RunDirectory.step(checkpoint.get());
      state = readState(checkpoint.get().resolve(STATES));
    }
    requireSameStart();
    directory.forgetAfter(done);
  }

  private String readState(Path file) throws IOException {
    if (!Files.exists(file)) {
      return "";
    }
    JsonNode states = MAPPER.readTree(file.toFile());
    if (states.size() != exchange.workers()) {
      throw new IllegalArgumentException(
          file
              + ": expected to go on with as many workers, "
              + states.size()
              + ", found "
              + exchange.workers());
    }
    return states.get(exchange.rank()).asText();
  }

  private void requireSameStart() {
    List<String> starts = exchange.gather(Integer.toString(done));
    for (int rank = 1; rank < starts.size(); rank++) {
      if (!starts.get(rank).equals(starts.get(0))) {
        throw new IllegalStateException(
            "worker "
                + rank
                + ": expected the checkpoint of step "
                + starts.get(0)
                + ", as worker 0 has, found "
                + starts.get(rank)
                + "; all workers read one folder: "
                + directory.home());
      }
    }
  }

  /** What {@link Stage#state} was at the checkpoint that this run goes on from; else empty. */
  public String state() {
    return state;
  }

  /** Steps of the whole run. */
  public int steps() {
    return steps;
  }

  /** Steps done. */
  public int done() {
    return done;
  }

  /** Runs until {@code until} steps are done, at most all. */
  public void run(Stage stage, int until) throws IOException {
    int end = Math.min(until, steps);
    while (done < end) {
      double rate = schedule.rate(done);
      StepMetrics metrics = stage.accumulate(done);
      exchange.sumGradients(parameters);
      double norm = optimizer.step(rate);
      done++;
      StepMetrics full = metrics.with("learning_rate", rate).with("gradient_norm", norm);
      requireFinite(full);
      directory.log(full);
      if (exchange.writes()) {
        progress.step(full, steps);
      }
      if (done % settings.checkpointSteps() == 0 || done == steps) {
        List<String> states = exchange.gather(stage.state());
        directory.checkpoint(done, settings.checkpointsKept(), folder -> write(folder, states));
      }
    }
    exchange.await(); // what worker 0 has written is there for all
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

  private void write(Path folder, List<String> states) throws IOException {
    parameters.saveTrainable(folder.resolve(RunDirectory.PARAMETERS));
    optimizer.save(folder);
    if (states.stream().anyMatch(each -> !each.isEmpty())) {
      MAPPER.writeValue(folder.resolve(STATES).toFile(), states);
    }
  }

  @Override
  public void close() {
    optimizer.close();
  }
}
