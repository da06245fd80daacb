package dev.gavel.training.stage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.engine.DType;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentWriter;
import dev.gavel.training.run.Progress;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The stage on the engine: a random model, of which each label is about as probable. */
class GrpoStageTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int STEPS = 20;

  @TempDir Path folder;
  private Path model;
  private Path data;

  @BeforeAll
  static void load() {
    Torch.load();
    Torch.threads(1);
  }

  /** Three red pairs to a blue one. */
  @BeforeEach
  void make() throws IOException {
    model = folder.resolve("tiny");
    data = folder.resolve("pairs.jsonl");
    RandomModel.write(ModelShape.of("tiny"), model, 3, DType.F32);
    try (JudgmentWriter writer = new JudgmentWriter(data)) {
      for (int i = 0; i < 32; i++) {
        boolean red = i % 4 < 3;
        Item item = new Item("", "", (red ? "red" : "blue") + " shoes " + i, "", List.of());
        writer.write(Judgment.graded("p" + i, "red shoes", item, red ? 4 : 1));
      }
    }
  }

  /** Further keys come after those that are always there; none twice. */
  private GrpoConfig config(String... more) {
    return config(Map.of(), more);
  }

  private GrpoConfig config(Map<String, String> overrides, String... more) {
    String yaml =
        String.join(
            "\n",
            "model: " + model,
            "data: " + data,
            "steps: " + STEPS,
            "groups: {size: 6, batch: 6, refillsMax: 8}",
            "rollouts: {tokensMax: 3, blocks: 256}",
            "objective: {klWeight: 0.01}",
            "oldLogProbs: rollout",
            "learningRate: 3e-3",
            "checkpointSteps: 4",
            "threads: 1",
            "");
    return StageConfig.parse(yaml + String.join("\n", more), overrides, GrpoConfig.class);
  }

  private static JsonNode report(Path out) throws IOException {
    return MAPPER.readTree(out.resolve("report.json").toFile());
  }

  @Test
  void theRewardRisesOnTheEngine() throws IOException {
    Path out = folder.resolve("run");
    GrpoConfig config = config("form: label-only", "dev: " + data);
    new GrpoStage(config).run(out, Progress.SILENT);
    JsonNode report = report(out);
    assertEquals(0, report.path("pairs").path("label_variation").asDouble(), "balanced");
    assertEquals(STEPS, report.path("training").path("steps").asInt());
    List<String> lines = Files.readAllLines(out.resolve("metrics.jsonl"));
    double first = 0;
    double last = 0;
    for (String line : lines) {
      JsonNode step = MAPPER.readTree(line);
      if (step.has("reward")) {
        int number = step.get("step").asInt();
        first += number <= 2 ? step.get("reward").asDouble() / 2 : 0;
        last += number > STEPS - 10 ? step.get("reward").asDouble() / 10 : 0;
        assertEquals(6, step.get("groups").asInt());
        // What the engine says of the tokens that it drew is what the trainer says: fp32's
        // roundings
        // over the tiny model's sums of at most a few hundred terms.
        assertTrue(step.get("ratio_deviation").asDouble() < 1e-3, line);
      }
    }
    // Two of the four labels occur: a quarter is right by chance, half once the others are gone.
    // Ten steps have more than 360 responses, so their mean has a standard error below .03.
    assertTrue(first < .4 && last > .42, "mean reward " + first + " to " + last);
    assertTrue(Files.exists(out.resolve("model/model.safetensors")));
    // Started again, it is done.
    new GrpoStage(config).run(out, Progress.SILENT);
    assertEquals(report, report(out));
  }

  @Test
  void reasoningIsRewardedAndDifficultyKeepsPairs() throws IOException {
    Path sampled = folder.resolve("sampled");
    String sampling =
        "model: "
            + model
            + "\ndata: "
            + data
            + "\nsamples: 4\ntokensMax: 2\nthreads: 1\nblocks: 256";
    new SampleStage(StageConfig.parse(sampling, Map.of(), SampleConfig.class))
        .run(sampled, Progress.SILENT);
    Path out = folder.resolve("run");
    GrpoConfig config =
        config(
            Map.of("steps", "4"),
            "balanced: false",
            "reward: {format: 0.25, consistency: 0.5}",
            "difficulty: {samples: " + sampled.resolve(SampleStage.SAMPLES) + ", to: 0.75}",
            "lora: {rank: 2}",
            "innerEpochs: 2");
    new GrpoStage(config).run(out, Progress.SILENT);
    JsonNode report = report(out);
    assertTrue(report.path("pairs").path("kept").asInt() < 32, report.toString());
    assertTrue(report.path("pairs").path("label_variation").asDouble() > 0, report.toString());
    assertEquals(4, report.path("training").path("steps").asInt());
  }

  @Test
  void whatIsWrongIsNamed() {
    assertEquals(
        "groups: grpo: expected a group of at least 2 and gamma from 2 to its size, found 4, 5",
        assertThrows(
                IllegalArgumentException.class,
                () -> config(Map.of("groups", "{size: 4, gamma: 5}")))
            .getMessage());
    assertTrue(
        assertThrows(
                IllegalArgumentException.class,
                () -> config("form: label-only", "reward: {format: 1}"))
            .getMessage()
            .startsWith("reward: expected the label alone"));
  }
}
