package dev.gavel.training.stage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gavel.engine.DType;
import dev.gavel.relevance.model.ModelShape;
import dev.gavel.relevance.model.RandomModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentFile;
import dev.gavel.training.data.NamedText;
import dev.gavel.training.run.Progress;
import dev.gavel.training.teacher.endpoint.FakeEndpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TeachStageTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String PAIRS =
      """
      {"id": "a", "query": "red mug", "title": "Red Stoneware Mug", "grade": 4}
      {"id": "b", "query": "red mug", "title": "Blue Mug", "grade": 3}
      {"id": "c", "query": "red mug", "title": "Wooden Train", "grade": 4}
      {"id": "d", "query": "red mug", "title": "Wooden Train", "grade": 1}
      {"id": "e", "query": "red mug", "title": "Red Mug", "grade": 1, "rationale": "It is."}
      {"id": "f", "query": "red mug", "title": "Red Cup", "relevance": 2.9}
      {"id": "g", "query": "??", "title": "Red Cup", "grade": 2}
      {"id": "h", "query": "mug", "title": "Mug", "distribution": [0.2, 0.5, 0.2, 0.1]}
      """;

  @TempDir static Path shared;
  @TempDir Path folder;

  @BeforeAll
  static void make() throws IOException {
    RandomModel.write(ModelShape.of("tiny"), shared.resolve("tiny"), 3, DType.F32);
  }

  private TeachConfig config(String pairs, String... more) throws IOException {
    Path data = Files.writeString(folder.resolve("pairs.jsonl"), pairs);
    String yaml = "model: " + shared.resolve("tiny") + "\ndata: " + data + "\n";
    return StageConfig.parse(yaml + String.join("\n", more), Map.of(), TeachConfig.class);
  }

  private JsonNode run(TeachConfig config, Path out) throws IOException {
    new TeachStage(config, Map.of("KEY", "secret")::get).run(out, Progress.SILENT);
    return MAPPER.readTree(out.resolve("report.json").toFile()).path("teach");
  }

  private static List<Judgment> taught(Path out) {
    return JudgmentFile.read(out.resolve(TeachStage.TAUGHT));
  }

  private static String ids(Path out) {
    return String.join("", taught(out).stream().map(Judgment::id).toList());
  }

  private static Judgment pair(Path out, String id) {
    return taught(out).stream().filter(each -> each.id().equals(id)).findFirst().orElseThrow();
  }

  @Test
  void evidenceTeachesByTheJudgedLabel() throws IOException {
    Path out = folder.resolve("out");
    JsonNode report = run(config(PAIRS, "scale: {worst: 1, best: 3}"), out);
    assertEquals("abcdefh", ids(out));
    assertEquals(
        "Query: mug (red). Item: blue mug. Category: same. Attributes: blue not red."
            + " Decision: 3-Related.",
        pair(out, "b").rationale());
    assertEquals("It is.", pair(out, "e").rationale());
    assertTrue(pair(out, "f").rationale().endsWith("Decision: 4-Excellent."));
    assertTrue(pair(out, "h").rationale().endsWith("Decision: 3-Related."));
    assertEquals(List.of(0.2, 0.5, 0.2, 0.1), pair(out, "h").distribution());
    assertEquals(8, report.path("pairs").asInt());
    assertEquals(1, report.path("given").asInt());
    assertEquals(1, report.path("silent").asInt());
    assertEquals(6, report.path("taught").asInt());
    assertEquals(6, report.path("teachers").path("evidence").asInt());
    assertEquals(3, report.path("labels").path("4-Excellent").asInt());
    assertTrue(report.path("complete").asBoolean());
    assertTrue(report.path("mean_tokens").asDouble() > 10);
    String text = Files.readString(out.resolve("report.md"));
    assertTrue(text.contains("| 3-Related | red mug | Blue Mug | Query: mug (red)."), text);
  }

  @Test
  void filtersDropOrBareAndAreCounted() throws IOException {
    Path out = folder.resolve("out");
    String filters = "filters: {wrongLabel: true, contradiction: true}";
    JsonNode told = run(config(PAIRS, filters, "keep: false"), out);
    assertEquals("abdfh", ids(out));
    assertEquals(2, told.path("rejected").path("contradiction").asInt()); // c and e
    assertEquals(0, told.path("rejected").path("wrong_label").asInt());

    Path bare = folder.resolve("bare");
    JsonNode own =
        run(config(PAIRS, filters, "keep: false", "oracle: false", "rejected: bare"), bare);
    assertEquals("abcdefgh", ids(bare)); // g: nothing can be said of it
    assertEquals("", pair(bare, "g").rationale());
    assertEquals(3, own.path("rejected").path("wrong_label").asInt()); // c, e and h
    assertEquals("", pair(bare, "c").rationale());
    assertFalse(pair(bare, "a").rationale().isEmpty());
  }

  @Test
  void tooLongAndTwiceAreRejected() throws IOException {
    String twice =
        """
        {"id": "1", "query": "red mug", "title": "Red Mug", "grade": 4}
        {"id": "2", "query": "Red  mug", "title": "Red Mug", "grade": 4}
        """;
    JsonNode report = run(config(twice, "filters: {duplicates: true}"), folder.resolve("a"));
    assertEquals(1, report.path("rejected").path("duplicate").asInt());
    report = run(config(twice, "filters: {tokensMax: 3}"), folder.resolve("b"));
    assertEquals(2, report.path("rejected").path("too_long").asInt());
    assertEquals(List.of(), taught(folder.resolve("b")));
  }

  @Test
  void teachersAreAskedInTurn() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("written.jsonl"), "{\"id\": \"b\", \"rationale\": \"By hand.\"}\n");
    Path out = folder.resolve("out");
    JsonNode report =
        run(config(PAIRS, "teachers: [rationales, evidence]", "rationales: " + file), out);
    assertEquals("By hand.", pair(out, "b").rationale());
    assertEquals(1, report.path("teachers").path("rationales").asInt());
    assertEquals(5, report.path("teachers").path("evidence").asInt());
  }

  @Test
  void aBudgetEndsARunAndTheNextGoesOn() throws IOException {
    Path rules = Files.writeString(folder.resolve("rules.txt"), "r1: A red mug is red.\n");
    try (FakeEndpoint endpoint = new FakeEndpoint(user -> "Item: a mug\nDecision: 3-Related")) {
      TeachConfig config =
          config(
              PAIRS,
              "keep: false",
              "teachers: [endpoint]",
              "filters: {wrongLabel: true}",
              "endpoint: {url: '" + endpoint.url() + "', model: big, apiKeyVariable: KEY,",
              "  rules: '" + rules + "', requestsMax: 3, parallel: 2}");
      Path out = folder.resolve("out");
      JsonNode first = run(config, out);
      assertEquals(3, first.path("requests").asInt());
      assertEquals(300, first.path("tokens").asInt());
      assertEquals(5, first.path("unasked").asInt());
      assertFalse(first.path("complete").asBoolean());
      assertTrue(
          Files.readString(out.resolve("report.md")).contains("the budget of 3 requests is spent"));
      JsonNode second = run(config, out);
      assertEquals(2, second.path("unasked").asInt());
      JsonNode third = run(config, out);
      assertTrue(third.path("complete").asBoolean());
      assertEquals(8, endpoint.requests());
      assertEquals("bfh", ids(out)); // f has no judged label: the teacher's own is taken
      assertEquals("Item: a mug. Decision: 3-Related.", pair(out, "b").rationale());
      assertEquals(5, third.path("rejected").path("wrong_label").asInt());
    }
  }

  @Test
  void aStopBeforeTheFirstAnswerIsAnError() throws IOException {
    try (FakeEndpoint endpoint = new FakeEndpoint(user -> "Decision: 3-Related")) {
      String start = "endpoint: {url: '" + endpoint.url() + "', model: m";
      TeachConfig keyless =
          config(PAIRS, "teachers: [endpoint]", start + ", apiKeyVariable: NONE}");
      message(keyless, "endpoint: apiKeyVariable: expected a key", "variable NONE, found nothing");
      assertEquals(0, endpoint.requests());
      endpoint.thenStatus(401);
      TeachConfig refused = config(PAIRS, "teachers: [endpoint]", start + ", parallel: 1}");
      message(
          refused, "expected to teach some pairs, found none", "expected status 200, found 401");
      assertEquals(1, endpoint.requests());
    }
  }

  @Test
  void badInputIsNamed() throws IOException {
    String unknown = "{\"id\": \"x\", \"query\": \"mug\", \"title\": \"Mug\", \"grade\": 9}\n";
    message(config(unknown), "pair x: expected a grade of", "found 9");
    message(config(""), "expected pairs, found none");
    String three =
        "{\"id\": \"x\", \"query\": \"q\", \"title\": \"t\", \"distribution\": [0.5, 0.5, 0]}\n";
    message(config(three), "pair x: expected a distribution of 4 labels");
    for (String wrong :
        List.of(
            "teachers: []",
            "teachers: [evidence, evidence]",
            "teachers: [rationales]",
            "teachers: [endpoint]",
            "endpoint: {url: 'a b', model: m}",
            "filters: {tokensMax: -1}")) {
      assertThrows(IllegalArgumentException.class, () -> config(PAIRS, wrong), wrong);
    }
  }

  /** The folder of the checkout, from wherever the tests run. */
  private static Path checkout() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(at.resolve("examples/training"))) {
      at = at.getParent();
    }
    return at;
  }

  @Test
  void theExamplesAreAsTheCodeReadsThem() throws IOException {
    Path examples = checkout().resolve("examples/training");
    Map<String, String> here =
        Map.of(
            "model", shared.resolve("tiny").toString(),
            "data", examples.resolve("pairs.jsonl").toString());
    TeachConfig evidence =
        StageConfig.read(examples.resolve("teach-evidence.yaml"), here, TeachConfig.class);
    JsonNode report = run(evidence, folder.resolve("out"));
    assertEquals(12, report.path("teachers").path("evidence").asInt());
    TeachConfig endpoint =
        StageConfig.read(examples.resolve("teach-endpoint.yaml"), here, TeachConfig.class);
    Path rules = checkout().resolve(endpoint.endpoint().rules());
    assertTrue(NamedText.read(rules, "text").size() > 20);
  }

  private void message(TeachConfig config, String... parts) {
    Exception e =
        assertThrows(
            IllegalArgumentException.class,
            () -> run(config, folder.resolve("out" + parts[0].length())));
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }
}
