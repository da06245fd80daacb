package dev.gavel.training.sft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.Lora;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.model.Precision;
import dev.gavel.training.run.AdamWOptimizer;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.TrainingSettings;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SftTrainerTest {
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

  /** The answer is whether the last token is the first one again, or a rarer one. */
  private static List<PackedBatch.Sequence> examples(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<PackedBatch.Sequence> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] prompt = random.ints(3 + random.nextInt(4), 10, 40).toArray();
      boolean again = i % 2 == 0;
      prompt[prompt.length - 1] = again ? prompt[0] : 50 + random.nextInt(30);
      out.add(PackedBatch.Sequence.of(prompt, new int[] {again ? 3 : 4}));
    }
    return out;
  }

  private static SftTrainer.Settings settings(Gradients gradients) {
    return new SftTrainer.Settings(
        2,
        8,
        new TrainingSettings(
            40, gradients, 3e-3, .1, .1, AdamWOptimizer.Settings.DEFAULT, 5, 2, 0));
  }

  private static Map<String, double[]> values(CausalLm model) {
    Map<String, double[]> out = new LinkedHashMap<>();
    model.parameters().all().forEach((name, tensor) -> out.put(name, Torch.doubles(tensor)));
    return out;
  }

  private static CausalLm model(boolean adapters) {
    return model(adapters, Precision.FP32);
  }

  private static CausalLm model(boolean adapters, Precision precision) {
    CausalLm model = CausalLm.load(MODEL, precision);
    if (adapters) {
      model.add(new Lora(4, 8, Lora.ALL_LINEAR, 1));
    } else {
      model.parameters().train(true);
    }
    return model;
  }

  private Map<String, double[]> trained(
      boolean adapters, Precision precision, Path home, int... stops) throws IOException {
    for (int i = 0; i < stops.length; i++) {
      // Every stop is a new process's worth of state: model, optimizer and all are loaded anew.
      try (CausalLm model = model(adapters, precision);
          SftTrainer trainer =
              new SftTrainer(
                  model,
                  examples(40, 1),
                  Sampler.shuffled(40, 2),
                  settings(Gradients.ALL),
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
    for (Precision precision : Precision.values()) {
      for (boolean adapters : new boolean[] {false, true}) {
        Path home = folder.resolve(precision + "-" + adapters);
        Map<String, double[]> whole = trained(adapters, precision, home.resolve("whole"), STEPS);
        // Stopped two steps after a checkpoint: those are done again.
        Map<String, double[]> resumed =
            trained(adapters, precision, home.resolve("resumed"), 7, STEPS);
        whole.forEach((name, values) -> assertArrayEquals(values, resumed.get(name), 0, name));
      }
    }
  }

  @Test
  void aTinyRunLearns() throws IOException {
    List<PackedBatch.Sequence> train = examples(1200, 3);
    List<PackedBatch.Sequence> test = examples(100, 4);
    SftTrainer.Settings settings =
        new SftTrainer.Settings(
            2,
            16,
            new TrainingSettings(
                200,
                Gradients.LAYER_INPUTS,
                3e-3,
                .1,
                .1,
                AdamWOptimizer.Settings.DEFAULT,
                1000,
                1,
                0));
    List<Double> losses = new ArrayList<>();
    try (CausalLm model = model(false)) {
      double before = accuracy(model, test);
      try (SftTrainer trainer =
          new SftTrainer(
              model,
              train,
              Sampler.shuffled(1200, 5),
              settings,
              open(folder),
              (metrics, total) -> losses.add(metrics.values().get("loss")))) {
        trainer.run();
      }
      double after = accuracy(model, test);
      assertEquals(150, losses.size());
      double last = losses.subList(140, 150).stream().mapToDouble(each -> each).average().orElse(9);
      assertTrue(last < .2 * losses.get(0), "loss " + losses.get(0) + " to " + last);
      assertTrue(after > .9 && before < .6, "accuracy " + before + " to " + after);
    }
  }

  /** Share of examples where the right answer is likelier than the other. */
  private static double accuracy(CausalLm model, List<PackedBatch.Sequence> examples) {
    int right = 0;
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      PackedBatch batch = PackedBatch.of(examples);
      Tensor logits = model.logits(batch);
      for (int i = 0; i < batch.rows().length; i++) {
        double[] row = Torch.doubles(logits.narrow(0, batch.rows()[i], 1));
        right += row[batch.targets()[i]] > row[7 - batch.targets()[i]] ? 1 : 0;
      }
    }
    return right / (double) examples.size();
  }

  @Test
  void softTargetsAreLearned() throws IOException {
    int[] prompt = {5, 6, 7};
    PackedBatch.Sequence soft =
        PackedBatch.Sequence.soft(prompt, new int[] {3, 4}, new double[] {.25, .75});
    SftTrainer.Settings settings =
        new SftTrainer.Settings(
            60,
            1,
            new TrainingSettings(
                40, Gradients.ALL, 3e-3, 0, 0, AdamWOptimizer.Settings.DEFAULT, 100, 1, 0));
    try (CausalLm model = model(false);
        SftTrainer trainer =
            new SftTrainer(
                model,
                List.of(soft),
                Sampler.shuffled(1, 1),
                settings,
                open(folder),
                Progress.SILENT)) {
      trainer.run();
      double[] logs = model.score(PackedBatch.of(List.of(soft)));
      assertEquals(.25, Math.exp(logs[0]), .03);
      assertEquals(.75, Math.exp(logs[1]), .03);
    }
  }

  @Test
  void examplesWithoutATargetAreNamed() throws IOException {
    List<PackedBatch.Sequence> examples =
        List.of(
            PackedBatch.Sequence.of(new int[] {1}, new int[] {2}),
            PackedBatch.Sequence.of(new int[] {1}, new int[0]));
    try (CausalLm model = model(false)) {
      assertEquals(
          "example 1: expected a target, found none",
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      new SftTrainer(
                          model,
                          examples,
                          Sampler.shuffled(2, 1),
                          settings(Gradients.ALL),
                          open(folder),
                          Progress.SILENT))
              .getMessage());
    }
  }
}
