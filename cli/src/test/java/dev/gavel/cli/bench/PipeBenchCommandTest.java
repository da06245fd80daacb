package dev.gavel.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.cli.TestTerminal;
import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.LabelTable;
import dev.gavel.relevance.RelevanceModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code gavel bench pipe} with a tiny model of random weights. */
class PipeBenchCommandTest {
  @TempDir static Path folder;
  private static Path model;
  private final TestTerminal terminal = new TestTerminal(100);

  @BeforeAll
  static void init() {
    model = folder.resolve("tiny");
    TestTerminal terminal = new TestTerminal(100);
    int exitCode = terminal.run("model", "init", "--shape", "tiny", "--out", model.toString());
    assertEquals(0, exitCode, terminal.err());
  }

  private List<JsonNode> ask(String... orders) throws IOException {
    int exitCode =
        terminal.runWith(
            String.join("\n", orders) + "\n",
            "bench",
            "pipe",
            "--model",
            model.toString(),
            "--labels",
            "7,3,11",
            "--threads",
            "1");
    assertEquals(0, exitCode, terminal.err());
    List<JsonNode> answers = new ArrayList<>();
    for (String line : terminal.out().split("\n")) {
      answers.add(new JsonMapper().readTree(line));
    }
    assertEquals(orders.length + 1, answers.size());
    return answers;
  }

  @Test
  void scoresWhatEachItemGetsAlone() throws IOException {
    List<JsonNode> answers =
        ask(
            "{\"op\":\"warm\",\"prefix\":[5,6],\"items\":[[1]]}",
            "{\"op\":\"score\",\"prefix\":[5,6,9],\"items\":[[1,2],[4,8]]}");
    assertEquals("gavel", answers.get(0).path("about").path("engine").asText());
    assertTrue(answers.get(1).path("seconds_by_way").size() > 0);
    assertTrue(answers.get(2).path("seconds").asDouble() > 0);
    JsonNode rows = answers.get(2).path("log_probabilities");
    assertEquals(2, rows.size());
    int[][] whole = {{5, 6, 9, 1, 2}, {5, 6, 9, 4, 8}};
    for (int item = 0; item < whole.length; item++) {
      float[] expected = alone(whole[item]);
      for (int label = 0; label < expected.length; label++) {
        // Sums of a few hundred fp32 terms in another order.
        assertEquals(expected[label], rows.get(item).get(label).asDouble(), 1e-4);
      }
    }
  }

  private static float[] alone(int[] tokens) {
    EngineOptions options = EngineOptions.defaults().withThreads(1).withBlocks(1);
    try (RelevanceModel opened = RelevanceModel.open(model);
        Engine engine = opened.loadEngine(options);
        LabelTable table =
            engine.labels(
                List.of(List.of(new int[] {7}), List.of(new int[] {3}), List.of(new int[] {11})))) {
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      batch.labels(table, false);
      batch.root(tokens);
      batch.score();
      engine.run(batch, result);
      return result.labelLogProbabilities(0);
    }
  }

  @Test
  void saysWhatIsWrongWithAnOrderAndGoesOn() throws IOException {
    List<JsonNode> answers =
        ask(
            "no JSON",
            "{\"op\":\"dance\"}",
            "{\"op\":\"score\",\"prefix\":[],\"items\":[[1]]}",
            "{\"op\":\"score\",\"prefix\":[1],\"items\":[[1],[-1]]}",
            "{\"op\":\"score\",\"prefix\":[1],\"items\":{\"a\":[1]}}",
            "{\"op\":\"score\",\"prefix\":[1],\"items\":[]}",
            "{\"op\":\"ceiling\",\"rows\":0}",
            "{\"op\":\"score\",\"prefix\":[1],\"items\":[[1]]}");
    List<String> expected =
        List.of(
            "JSON",
            "dance",
            "prefix: expected",
            "items[1][0]: expected",
            "items: expected a list of lists of token ids, found {",
            "items: expected a list of lists of token ids, found none",
            "rows: expected");
    for (int i = 0; i < expected.size(); i++) {
      String error = answers.get(i + 1).path("error").asText();
      assertTrue(error.contains(expected.get(i)), error);
    }
    assertEquals(1, answers.get(8).path("log_probabilities").size());
  }
}
