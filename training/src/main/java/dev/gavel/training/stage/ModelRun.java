package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.engine.DType;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.run.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What stages that train a model have in common: dev metrics on the way, the result at the end. Of
 * several workers the first does these; the others wait.
 *
 * @param base the directory that the model was loaded from
 * @param dtype of the result's weights
 * @param dev null for none
 */
record ModelRun(
    CausalLm model, Path base, DType dtype, DevSet dev, RunDirectory directory, Progress progress) {
  /**
   * Trains to the end.
   *
   * @param evaluateSteps dev metrics after as many steps, and at the end; 0 is at the end only
   */
  void train(Trainer trainer, int evaluateSteps) throws IOException {
    int total = trainer.steps();
    int every = evaluateSteps == 0 ? total : evaluateSteps;
    for (int done = trainer.done(); ; done = trainer.done()) {
      boolean due = done > 0 && (done % every == 0 || done == total);
      if (dev != null && due && directory.exchange().writes() && !isEvaluated(done)) {
        evaluate(done, "");
      }
      if (done == total) {
        return;
      }
      trainer.run(Math.min(total, (done / every + 1) * every));
    }
  }

  private boolean isEvaluated(int step) throws IOException {
    return directory.metrics().stream()
        .anyMatch(each -> each.has("dev_macro_f1") && each.path("step").asInt() == step);
  }

  private void evaluate(int step, String prefix) throws IOException {
    StepMetrics metrics = new StepMetrics(step);
    for (Map.Entry<String, Double> entry : dev.evaluate(model).entrySet()) {
      metrics = metrics.with(prefix + entry.getKey(), entry.getValue());
    }
    directory.log(metrics);
    progress.note(metrics.toText());
  }

  /**
   * Writes the result; nothing if it is there already.
   *
   * @param averageCheckpoints it is the mean of as many last checkpoints' weights
   * @param origin added to the provenance
   */
  void finish(int averageCheckpoints, Map<String, String> origin) throws IOException {
    if (directory.exchange().writes()) {
      write(averageCheckpoints, origin);
    }
    directory.exchange().await();
  }

  /** Writes the report, once. */
  Report written(Report report) throws IOException {
    if (directory.exchange().writes()) {
      report.write(directory.home());
    }
    return report;
  }

  private void write(int averageCheckpoints, Map<String, String> origin) throws IOException {
    if (Files.exists(ModelOutput.of(directory.home()))) {
      return;
    }
    List<Path> checkpoints = directory.checkpoints();
    int count = Math.min(averageCheckpoints, checkpoints.size());
    if (count > 1) {
      model
          .parameters()
          .loadMean(
              checkpoints.subList(checkpoints.size() - count, checkpoints.size()).stream()
                  .map(folder -> folder.resolve(RunDirectory.PARAMETERS))
                  .toList());
      if (dev != null) {
        evaluate(RunDirectory.step(checkpoints.get(checkpoints.size() - 1)), "averaged_");
      }
    }
    ModelOutput.write(model, base, directory.home(), dtype, origin);
  }

  static boolean isDev(JsonNode metrics) {
    return metrics.has("dev_macro_f1") || metrics.has("averaged_dev_macro_f1");
  }
}
