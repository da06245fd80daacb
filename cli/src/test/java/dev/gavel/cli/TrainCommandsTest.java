package dev.gavel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.engine.DType;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole command lines of training and evaluation with a tiny model of random weights. */
class TrainCommandsTest {
  private static final Set<String> METRICS =
      Set.of("accuracy", "macro_f1", "qwk", "good_f1", "per_class_f1");

  @TempDir static Path folder;
  private static Path model;
  private static Path data;
  private final TestTerminal terminal = new TestTerminal(100);

  @BeforeAll
  static void make() throws IOException {
    model = folder.resolve("tiny");
    TestTerminal terminal = new TestTerminal(100);
    int exitCode = terminal.run("model", "init", "--shape", "tiny", "--out", model.toString());
    assertEquals(0, exitCode, terminal.err());
    data = folder.resolve("pairs.jsonl");
    List<String> lines =
        IntStream.range(0, 24)
            .mapToObj(
                i ->
                    String.format(
                        "{\"query\":\"red shoes %d\",\"title\":\"shoes %d\",\"grade\":%d}",
                        i % 3, i, 1 + i % 4))
            .toList();
    Files.write(data, lines);
  }

  private static List<String> keys(JsonNode node) {
    List<String> out = new ArrayList<>();
    node.fieldNames().forEachRemaining(out::add);
    return out;
  }

  @Test
  void evaluateHasItsKeysAndNoOthers() throws IOException {
    Path report = folder.resolve("report");
    int exitCode =
        terminal.run(
            "evaluate",
            "--json",
            "--model",
            model.toString(),
            "--data",
            data.toString(),
            "--threads",
            "1",
            "--quantization",
            "int8",
            "--report",
            report.toString());
    assertEquals(0, exitCode, terminal.err());
    JsonNode json = new JsonMapper().readTree(terminal.out());
    assertEquals(List.of("n", "queries", "argmax", "cumpt", "ece", "pairs_per_second"), keys(json));
    assertEquals(24, json.get("n").asInt());
    assertEquals(3, json.get("queries").asInt());
    assertEquals(METRICS, Set.copyOf(keys(json.get("argmax"))));
    assertEquals(.5, json.at("/cumpt/threshold").asDouble());
    List<String> rule = keys(json.get("cumpt"));
    rule.remove("threshold");
    assertEquals(METRICS, Set.copyOf(rule));
    assertEquals(List.of("4", "3", "2", "1"), keys(json.at("/argmax/per_class_f1")));
    assertTrue(json.get("pairs_per_second").asDouble() > 0);
    assertTrue(Files.exists(report.resolve("reliability.svg")));
  }

  @Test
  void twoModelsAreCompared() throws IOException {
    Path other = folder.resolve("other-model");
    RandomModel.write(ModelShape.of("tiny"), other, 9, DType.BF16);
    Path report = folder.resolve("comparison");
    String[] args = {
      "compare",
      "--base",
      model.toString(),
      "--model",
      other.toString(),
      "--judge",
      model.toString(),
      "--data",
      data.toString(),
      "--threads",
      "1",
      "--report",
      report.toString()
    };
    assertEquals(0, terminal.run(args), terminal.err());
    assertTrue(terminal.out().contains("24 pairs of 3 queries"), terminal.out());
    assertTrue(terminal.out().contains("judged by: judge model"), terminal.out());
    JsonNode written = new JsonMapper().readTree(report.resolve("report.json").toFile());
    TestTerminal second = new TestTerminal(100);
    String[] asJson = Arrays.copyOf(args, args.length - 1);
    asJson[args.length - 2] = "--json";
    assertEquals(0, second.run(asJson), second.err());
    JsonNode json = new JsonMapper().readTree(second.out());
    assertEquals(
        List.of(
            "base",
            "model",
            "n",
            "queries",
            "metrics",
            "gsb",
            "pages",
            "judge_accuracy",
            "changes"),
        keys(json));
    assertEquals(written.at("/comparison/gsb"), json.get("gsb"));
    assertEquals(2, json.get("pages").size());
    assertFails(
        65,
        "expected a file",
        "compare",
        "--base",
        model.toString(),
        "--model",
        model.toString(),
        "--data",
        folder.resolve("nothing.jsonl").toString());
  }

  @Test
  void aModelIsTrainedCalibratedAndEvaluated() throws IOException {
    Path config = folder.resolve("sft.yaml");
    Files.writeString(config, "model: " + model + "\ndata: [{path: " + data + "}]\nthreads: 1\n");
    Path out = folder.resolve("run");
    String[] train = {
      "train", "sft", "--config", config.toString(), "--set", "epochs=1", "--out", out.toString()
    };
    assertEquals(0, terminal.run(train), terminal.err());
    assertTrue(terminal.out().startsWith("# Supervised fine-tuning of tiny"), terminal.out());
    assertTrue(terminal.err().contains("of 1 steps, step 1: loss "), terminal.err());

    Path trained = out.resolve("model");
    TestTerminal second = new TestTerminal(100);
    int exitCode =
        second.run(
            "train",
            "calibrate",
            "--set",
            "model=" + trained,
            "--set",
            "dev=" + data,
            "--out",
            folder.resolve("calibration").toString());
    assertEquals(0, exitCode, second.err());
    double threshold =
        new JsonMapper()
            .readTree(trained.resolve("gavel.json").toFile())
            .get("tier_threshold")
            .asDouble();

    TestTerminal third = new TestTerminal(100);
    exitCode = third.run("evaluate", "--model", trained.toString(), "--data", data.toString());
    assertEquals(0, exitCode, third.err());
    assertTrue(third.out().contains("24 pairs of 3 queries"), third.out());
    String column = String.format(Locale.ROOT, "CumPT at %.3g", threshold);
    assertTrue(third.out().contains(column), third.out());
  }

  @Test
  void whatIsWrongIsOneLine() throws IOException {
    assertFails(2, "expected a command", "train");
    assertFails(65, "model: expected a path, found nothing", "train", "sft", "--out", "x");
    Path nothing = folder.resolve("nothing.jsonl");
    assertFails(
        65,
        nothing + ": expected a file, found nothing",
        "evaluate",
        "--model",
        model.toString(),
        "--data",
        nothing.toString());
    Path other = folder.resolve("other.jsonl");
    Files.writeString(other, "{\"query\":\"q\",\"title\":\"t\",\"grade\":9}\n");
    assertFails(
        65,
        other + ": pair 1: expected a grade of [4.0, 3.0, 2.0, 1.0], found 9",
        "evaluate",
        "--model",
        model.toString(),
        "--data",
        other.toString());
  }

  private static void assertFails(int exitCode, String message, String... args) {
    TestTerminal terminal = new TestTerminal(100);
    assertEquals(exitCode, terminal.run(args), terminal.err());
    assertTrue(terminal.err().contains(message), terminal.err());
    assertFalse(terminal.err().contains("\tat "), terminal.err());
  }
}
