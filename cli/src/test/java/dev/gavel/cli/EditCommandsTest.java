package dev.gavel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code gavel model prune | export | quantize}; the engine then judges with what they made. */
class EditCommandsTest {
  private static final String QUERY = "red running shoes";
  private static final String ITEM = "Black shoes for women, 42";

  @TempDir static Path folder;
  private static Path model;
  private final JsonMapper mapper = new JsonMapper();

  @BeforeAll
  static void init() {
    model = folder.resolve("model");
    run("model", "init", "--shape", "tiny", "--out", model.toString(), "--seed", "5");
  }

  private static String run(String... args) {
    TestTerminal terminal = new TestTerminal(100);
    assertEquals(0, terminal.run(args), terminal.err());
    return terminal.out();
  }

  private static String fails(int exitCode, String... args) {
    TestTerminal terminal = new TestTerminal(100);
    assertEquals(exitCode, terminal.run(args), terminal.err());
    assertEquals(1, terminal.err().lines().count(), terminal.err());
    return terminal.err();
  }

  private JsonNode score(Path directory) throws IOException {
    String out =
        run("score", "--model", "" + directory, "--json", "--query", QUERY, "--item", ITEM);
    return mapper.readTree(out).at("/items/0");
  }

  private static void assertNear(JsonNode expected, JsonNode found, double tolerance) {
    JsonNode labels = expected.get("distribution");
    assertTrue(labels.size() > 1, expected.toString());
    labels
        .properties()
        .forEach(
            label ->
                assertEquals(
                    label.getValue().asDouble(),
                    found.get("distribution").get(label.getKey()).asDouble(),
                    tolerance));
  }

  @Test
  void aTrimmedVocabularyJudgesTheSame() throws IOException {
    Path corpus = folder.resolve("corpus.jsonl");
    Files.writeString(corpus, "{\"query\": \"" + QUERY + "\", \"title\": \"" + ITEM + "\"}\n");
    Path out = folder.resolve("trimmed");
    JsonNode report =
        mapper.readTree(
            run(
                "model",
                "prune",
                "--model",
                "" + model,
                "--out",
                "" + out,
                "--vocabulary",
                "440",
                "--corpus",
                "" + corpus,
                "--json"));
    assertTrue(report.at("/after/vocabulary").asInt() <= 440, report.toString());
    assertEquals(report.get("corpus_tokens"), report.get("corpus_tokens_kept"));
    assertNear(score(model), score(out), 1e-6);
  }

  @Test
  void layersAreTaken() {
    Path out = folder.resolve("shallow");
    String text =
        run("model", "prune", "--model", "" + model, "--out", "" + out, "--layers", "1-1");
    assertTrue(text.contains("layers      2 -> 1"), text);
    assertTrue(run("model", "inspect", "" + out).contains("1 layers"));
  }

  /** What is quantized is computed on as the floats that export makes of it. */
  @Test
  void quantizedModelsServe() throws IOException {
    Path small = folder.resolve("small");
    String text =
        run(
            "model",
            "quantize",
            "--model",
            "" + model,
            "--out",
            "" + small,
            "--bits",
            "4",
            "--overrides",
            "down_proj=8");
    assertTrue(text.contains("as int4, groups of 32"), text);
    Path plain = folder.resolve("plain");
    Path run = folder.resolve("run");
    Files.createDirectories(run);
    Files.move(small, run.resolve("model"));
    run("model", "export", "--checkpoint", "" + run, "--out", "" + plain, "--dtype", "fp32");
    assertNear(score(plain), score(run.resolve("model")), 1e-6);
    JsonNode report =
        mapper.readTree(
            run(
                "model",
                "quantize",
                "--model",
                "" + plain,
                "--out",
                "" + folder.resolve("again"),
                "--group",
                "0",
                "--json"));
    assertTrue(report.get("bytes_after").asLong() < report.get("bytes_before").asLong());
    assertTrue(report.at("/relative_errors/mlp.down_proj").asDouble() < 0.02, report.toString());
  }

  @Test
  void wrongCommandLinesAreOneLine() {
    String out = folder.resolve("none").toString();
    String[] prune = {"model", "prune", "--model", "" + model, "--out", out};
    assertTrue(fails(2, prune).contains("--layers or --vocabulary"));
    assertTrue(fails(2, with(prune, "--vocabulary", "9")).contains("together with --corpus"));
    assertTrue(fails(2, with(prune, "--layers", "3")).contains("a number from 1 to 2, found 3"));
    String[] quantize = {"model", "quantize", "--model", "" + model, "--out", out};
    assertTrue(fails(2, with(quantize, "--bits", "3")).contains("bits: expected 4 or 8"));
    assertTrue(fails(2, with(quantize, "--group", "7")).contains("a divisor of the 64 columns"));
    assertTrue(fails(2, with(quantize, "--overrides", "a")).contains("expected PATTERN=BITS"));
    String[] export = {"model", "export", "--out", out};
    assertTrue(fails(2, export).contains("either --model or --checkpoint, found none"));
    assertTrue(fails(2, with(export, "--dtype", "int8")).contains("fp32, fp16 or bf16"));
    assertTrue(fails(65, with(export, "--checkpoint", out)).contains("a finished run"));
    assertTrue(
        fails(65, "model", "quantize", "--model", "" + model, "--out", "" + model)
            .contains("expected a folder that is empty"));
  }

  private static String[] with(String[] args, String... more) {
    return java.util.stream.Stream.of(args, more)
        .flatMap(java.util.Arrays::stream)
        .toArray(String[]::new);
  }
}
