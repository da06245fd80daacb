package dev.gavel.training.stage;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.sft.SftTrainer;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Supervised fine-tuning (TaoSR1, stage 1). */
public final class SftStage {
  private final SftConfig config;

  public SftStage(SftConfig config) {
    this.config = config;
  }

  /**
   * Trains, or goes on with what {@code out} holds, and writes {@code model/} and the report there.
   *
   * @throws IllegalArgumentException naming what is wrong with configuration, data or directory
   */
  public Report run(Path out, Progress progress) throws IOException {
    RunDirectory directory = RunDirectory.open(out, StageConfig.toJson(config));
    Torch.load();
    if (config.threads() > 0) {
      Torch.threads(config.threads());
    }
    try (RelevanceModel base = RelevanceModel.open(config.model())) {
      progress.note("reading the data");
      SftExamples examples = SftExamples.read(base, config);
      DevSet dev =
          config.dev() == null ? null : new DevSet(base, config.dev(), config.microTokens());
      progress.note("loading the model");
      try (CausalLm model = CausalLm.load(config.model(), config.precision())) {
        if (config.lora() == null) {
          model.parameters().train(true);
        } else {
          model.add(config.lora().toLora(config.seed()));
        }
        train(model, examples, dev, directory, progress);
        finish(model, dev, directory, progress);
      }
      Report report = SftReport.of(config, base, examples, directory.metrics());
      report.write(out);
      return report;
    }
  }

  private void train(
      CausalLm model, SftExamples examples, DevSet dev, RunDirectory directory, Progress progress)
      throws IOException {
    try (SftTrainer trainer =
        new SftTrainer(
            model,
            examples.sequences(),
            examples.sampler(config),
            config.trainer(),
            directory,
            progress)) {
      int total = trainer.steps();
      int every = config.evaluateSteps() == 0 ? total : config.evaluateSteps();
      for (int done = trainer.done(); ; done = trainer.done()) {
        boolean due = done > 0 && (done % every == 0 || done == total);
        if (dev != null && due && !isEvaluated(directory, done)) {
          evaluate(model, dev, done, directory, progress);
        }
        if (done == total) {
          return;
        }
        trainer.run(Math.min(total, (done / every + 1) * every));
      }
    }
  }

  private static boolean isEvaluated(RunDirectory directory, int step) throws IOException {
    return directory.metrics().stream()
        .anyMatch(each -> each.has("dev_macro_f1") && each.path("step").asInt() == step);
  }

  private static void evaluate(
      CausalLm model, DevSet dev, int step, RunDirectory directory, Progress progress)
      throws IOException {
    StepMetrics metrics = new StepMetrics(step, dev.evaluate(model));
    directory.log(metrics);
    progress.note(metrics.toText());
  }

  /** Averages and writes the result; nothing if it is there already. */
  private void finish(CausalLm model, DevSet dev, RunDirectory directory, Progress progress)
      throws IOException {
    if (Files.exists(ModelOutput.of(directory.home()))) {
      return;
    }
    List<Path> checkpoints = directory.checkpoints();
    int count = Math.min(config.averageCheckpoints(), checkpoints.size());
    if (count > 1) {
      model
          .parameters()
          .loadMean(
              checkpoints.subList(checkpoints.size() - count, checkpoints.size()).stream()
                  .map(folder -> folder.resolve(RunDirectory.PARAMETERS))
                  .toList());
      if (dev != null) {
        int last = RunDirectory.step(checkpoints.get(checkpoints.size() - 1));
        StepMetrics metrics = new StepMetrics(last);
        for (Map.Entry<String, Double> entry : dev.evaluate(model).entrySet()) {
          metrics = metrics.with("averaged_" + entry.getKey(), entry.getValue());
        }
        directory.log(metrics);
        progress.note(metrics.toText());
      }
    }
    ModelOutput.write(
        model, config.model(), directory.home(), config.dtype(), Map.of("sft", origin()));
  }

  private String origin() {
    String files =
        config.data().stream()
            .map(file -> file.path().getFileName().toString())
            .collect(Collectors.joining(", "));
    return config.form().name().toLowerCase(Locale.ROOT).replace('_', '-') + " on " + files;
  }

  static boolean isDev(JsonNode metrics) {
    return metrics.has("dev_macro_f1") || metrics.has("averaged_dev_macro_f1");
  }
}
