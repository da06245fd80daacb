package dev.gavel.training.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gavel.training.data.Sampler;
import dev.gavel.training.loss.GrpoLoss;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.run.AdamWOptimizer;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.RunDirectory;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.run.TrainingSettings;
import dev.gavel.training.sft.SftTrainer;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GrpoTrainerTest {
  private static final int PAIRS = 64;
  private static final List<int[]> PROMPTS = ToySource.prompts(PAIRS, 1);
  private static final int[] LABELS = ToySource.labels(PAIRS);

  @TempDir static Path shared;
  @TempDir Path folder;

  private static Map<String, double[]> start;

  /** A policy that answers with labels, but not often with the right one. */
  private static RunDirectory open(Path home) throws IOException {
    return RunDirectory.open(home, JsonNodeFactory.instance.objectNode());
  }

  @BeforeAll
  static void pretrain() throws IOException {
    Torch.load();
    Torch.threads(1);
    List<int[]> prompts = ToySource.prompts(320, 2);
    int[] labels = ToySource.labels(320);
    List<PackedBatch.Sequence> examples =
        IntStream.range(0, 320)
            .mapToObj(
                i ->
                    PackedBatch.Sequence.of(
                        prompts.get(i),
                        new int[] {ToySource.FIRST_LABEL + labels[i], ToySource.CUE, 20}))
            .toList();
    SftTrainer.Settings settings =
        new SftTrainer.Settings(
            1,
            16,
            new TrainingSettings(
                400, Gradients.ALL, 2e-3, .1, 1, AdamWOptimizer.Settings.DEFAULT, 100, 1, 0));
    try (CausalLm model = CausalLm.load(ToySource.MODEL)) {
      model.parameters().train(true);
      try (SftTrainer trainer =
          new SftTrainer(
              model, examples, Sampler.shuffled(320, 3), settings, open(shared), Progress.SILENT)) {
        trainer.run();
      }
      start = values(model);
    }
  }

  private static Map<String, double[]> values(CausalLm model) {
    Map<String, double[]> out = new LinkedHashMap<>();
    model.parameters().all().forEach((name, tensor) -> out.put(name, Torch.doubles(tensor)));
    return out;
  }

  private static CausalLm pretrained() {
    CausalLm model = CausalLm.load(ToySource.MODEL);
    try (NoGradGuard guard = new NoGradGuard()) {
      model
          .parameters()
          .all()
          .forEach(
              (name, tensor) ->
                  tensor.copy_(Torch.vector(start.get(name), tensor).view(tensor.shape())));
    }
    return model;
  }

  private static GrpoSettings settings(int steps, GrpoSettings.Use use, int checkpointSteps) {
    return new GrpoSettings(
        steps,
        new GroupRule(8, 8, 4, 6, 20),
        new GrpoLoss(.2, .2, .02, GrpoLoss.Mean.TOKEN),
        new GrpoSettings.AdvantageRule(true, 2),
        use,
        new TrainingSettings(
            200,
            Gradients.ALL,
            1e-3,
            .1,
            1,
            AdamWOptimizer.Settings.DEFAULT,
            checkpointSteps,
            2,
            0),
        7);
  }

  private static GrpoSettings.Use use(int inner, int push, GrpoSettings.OldLogProbs old) {
    return new GrpoSettings.Use(inner, push, old);
  }

  /** A run's metrics and weights, stopped and begun anew at each of {@code stops}. */
  private record Outcome(List<StepMetrics> metrics, Map<String, double[]> weights) {
    double mean(String name, int from, int to) {
      return metrics.subList(from, to).stream()
          .mapToDouble(each -> each.values().get(name))
          .average()
          .orElseThrow();
    }
  }

  private static Outcome run(GrpoSettings settings, Path home, int... stops) throws IOException {
    List<StepMetrics> metrics = new ArrayList<>();
    Map<String, double[]> weights = null;
    for (int stop : stops) {
      try (CausalLm policy = pretrained();
          CausalLm reference = pretrained();
          ToySource source = new ToySource(PROMPTS)) {
        policy.parameters().train(true);
        GrpoTrainer.Task task =
            new GrpoTrainer.Task(
                policy, reference, LABELS, PairPool.order(LABELS, true, 5), source, Reward.LABEL);
        try (GrpoTrainer trainer =
            new GrpoTrainer(task, settings, open(home), (step, total) -> metrics.add(step))) {
          trainer.run(stop);
        }
        weights = values(policy);
      }
    }
    return new Outcome(metrics, weights);
  }

  @Test
  void theRewardRises() throws IOException {
    GrpoSettings.Use use = use(1, 1, GrpoSettings.OldLogProbs.TRAINER);
    Outcome outcome = run(settings(40, use, 40), folder, 40);
    double before = outcome.mean("reward", 0, 5);
    double after = outcome.mean("reward", 35, 40);
    assertTrue(after > before + .2, "mean reward " + before + " to " + after);
    for (StepMetrics step : outcome.metrics()) {
      assertEquals(4, step.values().get("groups"), "every step has a full batch");
      assertEquals(0, step.values().get("ratio_deviation"), "one step on what was just sampled");
      assertEquals(0, step.values().get("clipped_share"));
    }
    assertEquals(0, outcome.metrics().get(0).values().get("kl"), 1e-6);
    assertTrue(outcome.metrics().get(39).values().get("kl") > 1e-3);
  }

  @Test
  void aResumedRunEndsWithTheSameBits() throws IOException {
    // Two steps on a batch, two batches of a policy: pushes at 0, 4 and 8.
    GrpoSettings settings = settings(10, use(2, 2, GrpoSettings.OldLogProbs.ROLLOUT), 4);
    Outcome whole = run(settings, folder.resolve("whole"), 10);
    // Stopped in the middle of a batch: what was done since the checkpoint is done again.
    Outcome resumed = run(settings, folder.resolve("resumed"), 7, 10);
    whole
        .weights()
        .forEach((name, values) -> assertArrayEquals(values, resumed.weights().get(name), name));
    List<String> expected = lines(folder.resolve("whole"));
    assertEquals(expected, lines(folder.resolve("resumed")));
    assertTrue(expected.toString().matches(".*dropped [1-9].*"), expected.toString());
    assertTrue(whole.metrics().get(1).values().get("ratio_deviation") > 1e-4);
    assertTrue(!whole.metrics().get(1).values().containsKey("reward"), "nothing was sampled");
  }

  /** What the steps of a run came to, without times. */
  private static List<String> lines(Path home) throws IOException {
    return open(home).metrics().stream()
        .map(
            each ->
                each.get("loss")
                    + " "
                    + each.path("reward")
                    + " dropped "
                    + each.path("dropped_groups"))
        .toList();
  }

  @Test
  void theTrainersOwnLogProbsStartAtRatioOneOnly() throws IOException {
    GrpoSettings settings = settings(4, use(2, 1, GrpoSettings.OldLogProbs.TRAINER), 4);
    Outcome outcome = run(settings, folder, 4);
    for (int step = 0; step < 4; step++) {
      double deviation = outcome.metrics().get(step).values().get("ratio_deviation");
      assertTrue(step % 2 == 0 ? deviation == 0 : deviation > 1e-4, step + ": " + deviation);
    }
  }

  @Test
  void settingsThatCannotWorkAreNamed() {
    assertEquals(
        "checkpointSteps: expected a multiple of innerEpochs * pushBatches, 6, found 20",
        assertThrows(
                IllegalArgumentException.class,
                () -> settings(10, use(2, 3, GrpoSettings.OldLogProbs.TRAINER), 20))
            .getMessage());
    assertThrows(IllegalArgumentException.class, () -> new GroupRule(8, 9, 4, 4, 1));
    assertThrows(IllegalArgumentException.class, () -> new GroupRule(8, 8, 4, 4, 1).share(3));
    assertEquals(
        "roundGroups: expected rounds that can fill 8 groups, found at most 6 in 3",
        assertThrows(IllegalArgumentException.class, () -> new GroupRule(8, 8, 8, 2, 2).share(1))
            .getMessage());
  }
}
