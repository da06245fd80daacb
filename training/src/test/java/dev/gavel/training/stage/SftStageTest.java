package dev.gavel.training.stage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.engine.DType;
import dev.gavel.engine.EngineOptions;
import dev.gavel.relevance.Item;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.relevance.model.Weights;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentWriter;
import dev.gavel.training.evaluation.Evaluation;
import dev.gavel.training.run.Progress;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.torch.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs with a tiny model: two grades that one word tells apart. */
class SftStageTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final EngineOptions ENGINE =
      EngineOptions.defaults().withThreads(1).withBlocks(256);

  @TempDir static Path folder;
  private static Path model;
  private static Path train;
  private static Path dev;

  @BeforeAll
  static void make() throws IOException {
    Torch.load();
    Torch.threads(1);
    model = folder.resolve("tiny");
    train = folder.resolve("train.jsonl");
    dev = folder.resolve("dev.jsonl.gz");
    random(model, DType.F32);
    write(train, 0, 96);
    write(dev, 500, 21);
  }

  /** A short prompt that ends with the item, so that little has to be learned. */
  private static void random(Path directory, DType dtype) throws IOException {
    RandomModel.write(ModelShape.of("tiny"), directory, 5, dtype);
    Files.writeString(
        directory.resolve("gavel.json"),
        """
        {"prompt": {"chat": false, "user": "{query}: {item}", "reason_cue": "."},
         "labels": [
          {"name": "4-Excellent", "grade": 4, "surface_forms": ["A"], "tier": "GOOD"},
          {"name": "3-Related", "grade": 3, "surface_forms": ["B"], "tier": "GOOD"},
          {"name": "2-Mismatch", "grade": 2, "surface_forms": ["C"], "tier": "MID"},
          {"name": "1-Irrelevant", "grade": 1, "surface_forms": ["D"], "tier": "BAD"}]}
        """);
  }

  private static void write(Path file, int from, int count) throws IOException {
    try (JudgmentWriter writer = new JudgmentWriter(file)) {
      for (int i = from; i < from + count; i++) {
        boolean fits = i % 3 != 0;
        Item item = new Item("", "", "shoes " + i + (fits ? " red" : " blue"), "", List.of());
        Judgment pair = Judgment.graded("p" + i, "red shoes " + i % 5, item, fits ? 4 : 1);
        writer.write(i % 2 == 0 ? pair : pair.withRationale(fits ? " It is red." : " It is blue."));
      }
    }
  }

  private static SftConfig config(String... more) {
    String yaml =
        "model: "
            + model
            + "\ndata: [{path: "
            + train
            + "}]\nbatchExamples: 8\nlearningRate: 3e-3\nepochs: 4\nmicroTokens: 700\nseed: 11\n";
    Map<String, String> overrides = new LinkedHashMap<>();
    for (String line : more) {
      overrides.put(line.split(": ", 2)[0], line.split(": ", 2)[1]);
    }
    return StageConfig.parse(yaml, overrides, SftConfig.class);
  }

  private static JsonNode json(Path file) throws IOException {
    return MAPPER.readTree(file.toFile());
  }

  private static List<JsonNode> metrics(Path run) throws IOException {
    List<JsonNode> out = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
      out.add(MAPPER.readTree(line));
    }
    return out;
  }

  @Test
  void aRunCanEndEarlyAndTrainSomeOfTheWeights() throws IOException {
    Path out = folder.resolve("some");
    SftConfig config = config("stopSteps: 3", "trainable: norm|embed");
    List<String> seen = new ArrayList<>();
    Progress progress = (step, total) -> seen.add(step.step() + " of " + total);
    new SftStage(config).run(out, progress);
    assertEquals(List.of("1 of 3", "2 of 3", "3 of 3"), seen);
    seen.clear();
    new SftStage(config).run(out, progress);
    assertEquals(List.of(), seen, "it is done");
    List<JsonNode> steps = metrics(out);
    assertEquals(3, steps.stream().filter(each -> each.has("loss")).count());
    // The schedule is that of all 48 steps: 2 are its warm-up.
    assertEquals(3e-3, steps.get(2).get("learning_rate").asDouble(), 1e-12);
    Map<String, byte[]> before = tensors(model);
    tensors(out.resolve("model"))
        .forEach(
            (name, bytes) ->
                assertEquals(
                    name.contains("norm") || name.contains("embed"),
                    !Arrays.equals(before.get(name), bytes),
                    name));
  }

  private static Map<String, byte[]> tensors(Path directory) {
    Map<String, byte[]> out = new LinkedHashMap<>();
    Weights.open(directory)
        .forEach(
            (name, dtype, shape, data) -> {
              byte[] bytes = new byte[data.remaining()];
              data.duplicate().get(bytes);
              out.put(name, bytes);
            });
    return out;
  }

  @Test
  void aRunLearnsAndItsModelIsServed() throws IOException {
    Path out = folder.resolve("label-only");
    String[] more = {
      "dev: " + dev, "evaluateSteps: 20", "checkpointSteps: 6", "averageCheckpoints: 3"
    };
    new SftStage(config(more)).run(out, Progress.SILENT);
    List<JsonNode> steps = metrics(out);
    // 96 pairs in batches of 8, 4 epochs; dev at 20, 40, the end, and of the mean.
    assertEquals(48, steps.stream().filter(each -> each.has("loss")).count());
    assertEquals(
        List.of(20, 40, 48),
        steps.stream()
            .filter(each -> each.has("dev_nll"))
            .map(each -> each.get("step").asInt())
            .toList());
    double first = steps.get(0).get("loss").asDouble();
    double last = steps.get(steps.size() - 3).get("loss").asDouble();
    assertTrue(last < .3 * first, "loss from " + first + " to " + last);
    JsonNode result = steps.get(steps.size() - 1);
    assertTrue(result.get("averaged_dev_accuracy").asDouble() > .9, result.toString());

    // What the engine says of the written model is what the trainer said of its own.
    EvaluateStage.Result served =
        new EvaluateStage(out.resolve("model"), ENGINE).run(dev, (done, total) -> {});
    Evaluation evaluation = served.evaluation();
    double tolerance = 1e-9; // the same decisions; probabilities differ by rounding only
    assertEquals(
        evaluation.argmax().macroF1(), result.get("averaged_dev_macro_f1").asDouble(), tolerance);
    assertEquals(
        evaluation.argmax().quadraticWeightedKappa(),
        result.get("averaged_dev_qwk").asDouble(),
        tolerance);
    double nll =
        served.scored().stream()
            .mapToDouble(pair -> -Math.log(pair.probabilities()[pair.truth()]))
            .average()
            .orElseThrow();
    assertEquals(nll, result.get("averaged_dev_nll").asDouble(), 1e-4);

    try (RelevanceModel trained = RelevanceModel.open(out.resolve("model"))) {
      assertEquals("label-only on train.jsonl", trained.provenance().get("sft"));
    }
    assertTrue(json(out.resolve("report.json")).at("/training/last_loss").asDouble() < first);
  }

  @Test
  void aStoppedRunGoesOn() throws IOException {
    String[] more = {"dev: " + dev, "evaluateSteps: 7", "checkpointSteps: 5", "epochs: 1"};
    Path whole = folder.resolve("whole");
    new SftStage(config(more)).run(whole, Progress.SILENT);
    Path stopped = folder.resolve("stopped");
    Progress stop =
        (metrics, total) -> {
          if (metrics.step() == 8) {
            throw new IllegalStateException("stopped");
          }
        };
    assertThrows(IllegalStateException.class, () -> new SftStage(config(more)).run(stopped, stop));
    List<StepMetrics> seen = new ArrayList<>();
    new SftStage(config(more)).run(stopped, (metrics, total) -> seen.add(metrics));
    assertEquals(6, seen.get(0).step());
    assertEquals(-1, Files.mismatch(weights(whole), weights(stopped)));
    assertEquals(losses(whole), losses(stopped));
    // Started again it is done, and says the same.
    JsonNode report = json(stopped.resolve("report.json"));
    seen.clear();
    new SftStage(config(more)).run(stopped, (metrics, total) -> seen.add(metrics));
    assertEquals(List.of(), seen);
    assertEquals(report, json(stopped.resolve("report.json")));
  }

  private static Path weights(Path run) {
    return run.resolve("model").resolve("model.safetensors");
  }

  /** Loss, or dev NLL, by line. */
  private static List<String> losses(Path run) throws IOException {
    return metrics(run).stream()
        .map(each -> each.get("step") + " " + each.path("loss") + " " + each.path("dev_nll"))
        .toList();
  }

  @Test
  void reasoningIsLearnedToo() throws IOException {
    Path out = folder.resolve("label-first");
    new SftStage(
            config(
                "form: label-first",
                "rationaleOptional: true",
                "rationaleWeight: 0.3",
                "labelSmoothing: 0.02",
                "balance: oversample",
                "precision: bf16",
                "gradients: layer-inputs",
                "dtype: bf16"))
        .run(out, Progress.SILENT);
    List<JsonNode> steps = metrics(out);
    double first = steps.get(0).get("loss").asDouble();
    double last = steps.get(steps.size() - 1).get("loss").asDouble();
    assertTrue(last < .5 * first, "loss from " + first + " to " + last);
    // Balanced: as many of the rarer class, 32 of 96, as of the other, 64.
    assertEquals(64 * 2 / 8 * 4, steps.size());
    JsonNode sections = json(out.resolve("report.json")).get("sections");
    assertEquals("48", sections.at("/0/parts/0/table/rows/0/5").asText()); // with reasoning
  }

  @Test
  void adaptersLearnAndAreMerged() throws IOException {
    Path out = folder.resolve("adapters");
    new SftStage(config("lora: {rank: 4, alpha: 16}", "learningRate: 1e-2"))
        .run(out, Progress.SILENT);
    List<JsonNode> steps = metrics(out);
    double first = steps.get(0).get("loss").asDouble();
    double last = steps.get(steps.size() - 1).get("loss").asDouble();
    assertTrue(last < .9 * first, "loss from " + first + " to " + last); // most of it is frozen
    assertTrue(Files.size(weights(out)) < 1.01 * Files.size(model.resolve("model.safetensors")));
    assertTrue(Files.mismatch(weights(out), model.resolve("model.safetensors")) >= 0);
  }

  @Test
  void calibrationIsWrittenAndUsed() throws IOException {
    Path own = folder.resolve("to-calibrate");
    random(own, DType.BF16);
    String yaml = "model: " + own + "\ndev: " + dev + "\nthreads: 1\n";
    CalibrateConfig config = StageConfig.parse(yaml, Map.of(), CalibrateConfig.class);
    Path out = folder.resolve("calibration");
    new CalibrateStage(config).run(out, Progress.SILENT);
    double threshold = json(out.resolve("report.json")).get("threshold").asDouble();
    EvaluateStage.Result after = new EvaluateStage(own, ENGINE).run(dev, (done, total) -> {});
    assertEquals(threshold, after.evaluation().threshold());
    assertEquals(after.sweep().macroF1(), after.evaluation().cumulative().macroF1(), 1e-12);
    assertTrue(Files.readString(out.resolve("threshold.svg")).startsWith("<svg"));
    Path report = folder.resolve("evaluation");
    after.report().write(report);
    try (Stream<Path> files = Files.list(report)) {
      assertEquals(
          List.of("reliability.svg", "report.json", "report.md", "threshold.svg"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
    JsonNode evaluation = json(report.resolve("report.json")).get("evaluation");
    assertEquals(21, evaluation.get("n").asInt());
    assertEquals(5, evaluation.get("queries").asInt());
  }

  @Test
  void whatIsWrongIsNamed() {
    assertRefused(
        "pair p0: expected a rationale (or rationaleOptional: true), found none in " + train,
        "form: think-first");
    assertRefused("pair p0: expected a relevance (kind: soft), found none", soft("kind: soft"));
    assertRefused(
        "pair p0: expected a distribution of 4 labels (kind: distribution), found 0",
        "data: [{path: " + train + ", kind: distribution}]");
    assertRefused("expected a file, found nothing", "data: [{path: /nowhere.jsonl}]");
    for (String wrong :
        List.of("evaluateSteps: 5", "labelSmoothing: 1", "epochs: 0", "clip: 0", "data: []")) {
      String message = assertThrows(IllegalArgumentException.class, () -> only(wrong)).getMessage();
      assertTrue(message.startsWith(wrong.split(":")[0] + ": expected "), message);
    }
    assertThrows(IllegalArgumentException.class, () -> only("data: [{path: a, worst: 1}]"));
  }

  @Test
  void whatIsWrongLeavesNoRunBehind() throws IOException {
    Path empty = Files.writeString(folder.resolve("empty.jsonl"), "");
    assertRefused("/nowhere.jsonl: expected a file, found nothing", "dev: /nowhere.jsonl");
    assertRefused(empty + ": expected judged pairs, found none", "dev: " + empty);
    assertRefused("trainable: expected names", "trainable: nothing");
    assertRefused("lora: expected layers", "lora: {targets: [nothing]}");
  }

  private static String soft(String kind) {
    return "data: [{path: " + train + ", " + kind + ", worst: 1, best: 3}]";
  }

  private static SftConfig only(String line) {
    String data = line.startsWith("data") ? "" : "data: [{path: " + train + "}]\n";
    String yaml = "model: " + model + "\n" + data + line;
    return StageConfig.parse(yaml, Map.of(), SftConfig.class);
  }

  private static void assertRefused(String expected, String line) {
    Path out = folder.resolve("refused").resolve(Integer.toString(line.hashCode()));
    String message =
        assertThrows(
                RuntimeException.class, () -> new SftStage(only(line)).run(out, Progress.SILENT))
            .getMessage();
    assertTrue(message.contains(expected), message);
    assertFalse(Files.exists(out), "the right command can be given next");
  }
}
