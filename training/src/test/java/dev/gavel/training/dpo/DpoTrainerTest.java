package dev.gavel.training.dpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.loss.DpoLoss;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.Lora;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.run.AdamWOptimizer;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.run.TrainingSettings;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DpoTrainerTest {
  private static final Path MODEL = Path.of("../native/src/test/resources/goldens/qwen3");
  private static final int STEPS = 10;

  @TempDir Path folder;

  private static RunDirectory open(Path home) throws IOException {
    return RunDirectory.open(home, JsonNodeFactory.instance.objectNode());
  }

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  /** The right answer says whether the last token is the first one again; lengths differ. */
  private static List<Preference> preferences(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Preference> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] prompt = random.ints(3 + random.nextInt(4), 10, 40).toArray();
      boolean again = i % 2 == 0;
      prompt[prompt.length - 1] = again ? prompt[0] : 50 + random.nextInt(30);
      int[] right = response(random, again ? 3 : 4);
      int[] wrong = response(random, again ? 4 : 3);
      out.add(
          new Preference(
              "p" + i,
              Preference.Kind.SELF_CORRECTION,
              0,
              PackedBatch.Sequence.of(prompt, right),
              PackedBatch.Sequence.of(prompt, wrong)));
    }
    return out;
  }

  private static int[] response(SplittableRandom random, int label) {
    int[] out = new int[1 + random.nextInt(3)];
    Arrays.setAll(out, i -> i == 0 ? label : 60 + random.nextInt(9));
    return out;
  }

  private static DpoTrainer.Settings settings(int batch, int micro, int epochs, double rate) {
    return new DpoTrainer.Settings(
        new DpoLoss(.3, .1),
        epochs,
        batch,
        new TrainingSettings(
            micro, Gradients.ALL, rate, .1, .1, AdamWOptimizer.Settings.DEFAULT, 5, 2, 0));
  }

  private static CausalLm model(boolean adapters) {
    CausalLm model = CausalLm.load(MODEL);
    if (adapters) {
      model.add(new Lora(4, 8, Lora.ALL_LINEAR, 1));
    } else {
      model.parameters().train(true);
    }
    return model;
  }

  private static Map<String, double[]> values(CausalLm model) {
    Map<String, double[]> out = new LinkedHashMap<>();
    model.parameters().all().forEach((name, tensor) -> out.put(name, Torch.doubles(tensor)));
    return out;
  }

  private static Map<String, double[]> trained(boolean adapters, Path home, int... stops)
      throws IOException {
    for (int i = 0; i < stops.length; i++) {
      // Every stop is a new process's worth of state: model, optimizer and all are loaded anew.
      try (CausalLm model = model(adapters);
          DpoTrainer trainer =
              new DpoTrainer(
                  model,
                  preferences(40, 1),
                  Sampler.shuffled(40, 2),
                  settings(8, 60, 2, 3e-3),
                  open(home),
                  Progress.SILENT)) {
        assertEquals(i == 0 ? 0 : 5, trainer.done());
        assertEquals(STEPS, trainer.steps());
        trainer.run(stops[i]);
        if (i == stops.length - 1) {
          return values(model);
        }
      }
    }
    throw new IllegalArgumentException("stops: expected at least one");
  }

  @Test
  void aResumedRunEndsWithTheSameBits() throws IOException {
    for (boolean adapters : new boolean[] {false, true}) {
      Map<String, double[]> whole = trained(adapters, folder.resolve("whole" + adapters), STEPS);
      // Stopped two steps after a checkpoint: those are done again.
      Map<String, double[]> resumed =
          trained(adapters, folder.resolve("resumed" + adapters), 7, STEPS);
      whole.forEach((name, values) -> assertArrayEquals(values, resumed.get(name), 0, name));
    }
  }

  private StepMetrics firstStep(String home, int microTokens) throws IOException {
    List<StepMetrics> out = new ArrayList<>();
    try (CausalLm model = model(false);
        DpoTrainer trainer =
            new DpoTrainer(
                model,
                preferences(11, 6),
                Sampler.shuffled(11, 2),
                settings(11, microTokens, 2, 3e-3),
                open(folder.resolve(home)),
                (metrics, total) -> out.add(metrics))) {
      trainer.run();
    }
    assertEquals(2, out.size());
    // Before anything is learned, policy and reference are one: log 2, and the chosen NLL.
    double nll =
        preferences(11, 6).stream()
            .flatMapToDouble(each -> DoubleStream.of(score(each.chosen())))
            .average()
            .orElseThrow();
    assertEquals(Math.log(2) - .1 * nll, out.get(0).values().get("loss"), 1e-5);
    assertEquals(0, out.get(0).values().get("margin"), 1e-6);
    return out.get(1);
  }

  private static double[] score(PackedBatch.Sequence sequence) {
    try (CausalLm model = CausalLm.load(MODEL)) {
      return model.score(PackedBatch.of(List.of(sequence)));
    }
  }

  /** Sums of a few hundred fp32 terms in another order, after one step: 1e-4 of the values. */
  @Test
  void microBatchesAddUpToTheStep() throws IOException {
    Map<String, Double> whole = firstStep("whole", 10_000).values();
    Map<String, Double> cut = firstStep("cut", 1).values();
    for (String name : List.of("loss", "margin", "chosen_reward", "rejected_reward")) {
      double value = whole.get(name);
      assertEquals(value, cut.get(name), 1e-4 * Math.max(1, Math.abs(value)), name);
    }
  }

  @Test
  void aTinyRunLearns() throws IOException {
    List<Preference> train = preferences(1400, 3);
    List<Preference> test = preferences(100, 4);
    List<Map<String, Double>> steps = new ArrayList<>();
    try (CausalLm model = model(false)) {
      double before = accuracy(model, test);
      try (DpoTrainer trainer =
          new DpoTrainer(
              model,
              train,
              Sampler.shuffled(1400, 5),
              settings(16, 400, 2, 3e-3),
              open(folder),
              (metrics, total) -> steps.add(metrics.values()))) {
        trainer.run();
      }
      double after = accuracy(model, test);
      Map<String, Double> last = steps.get(steps.size() - 1);
      assertTrue(after > .85 && before < .7, "label accuracy " + before + " to " + after);
      assertTrue(last.get("preference_accuracy") > .9, "preferences " + last);
      assertTrue(last.get("loss") < steps.get(0).get("loss") / 2, "loss " + last);
    }
  }

  /** Share of preferences whose chosen label is likelier than the rejected one. */
  private static double accuracy(CausalLm model, List<Preference> preferences) {
    int right = 0;
    for (Preference each : preferences) {
      double chosen = model.score(PackedBatch.of(List.of(each.chosen())))[0];
      double rejected = model.score(PackedBatch.of(List.of(each.rejected())))[0];
      right += chosen > rejected ? 1 : 0;
    }
    return right / (double) preferences.size();
  }

  @Test
  void aReferenceOfOtherPreferencesIsRefused() throws IOException {
    trained(false, folder, 5);
    try (CausalLm model = model(false)) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      new DpoTrainer(
                          model,
                          preferences(40, 9),
                          Sampler.shuffled(40, 2),
                          settings(8, 60, 2, 3e-3),
                          open(folder),
                          Progress.SILENT))
              .getMessage();
      assertTrue(message.contains("reference.f64: expected the reference of these"), message);
    }
  }
}
