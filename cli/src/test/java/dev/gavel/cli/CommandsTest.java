package dev.gavel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.v1.Order;
import dev.gavel.v1.ScoreRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole command lines against a server that keeps the wire's contract. */
class CommandsTest {
  private final JsonMapper mapper = new JsonMapper();
  private final TestTerminal terminal = new TestTerminal(100);
  private FakeSidecar sidecar;

  @BeforeEach
  void start() throws IOException {
    sidecar = new FakeSidecar();
  }

  @AfterEach
  void stop() {
    sidecar.close();
  }

  private int score(String... more) {
    List<String> args = new ArrayList<>(List.of("score", "--target", sidecar.target()));
    args.addAll(List.of(more));
    return terminal.run(args.toArray(String[]::new));
  }

  private JsonNode json() throws IOException {
    return mapper.readTree(terminal.out());
  }

  @Test
  void scoreJsonHasTheDocumentedFields() throws IOException {
    assertEquals(0, score("--query", "q", "--item", "abcd", "--item", " ", "--json"));
    JsonNode json = json();
    assertEquals("fake", json.at("/model/name").asText());
    assertEquals("v1", json.at("/model/version").asText());
    assertEquals("fp32", json.at("/model/quantization").asText());
    assertEquals("cpu", json.at("/model/device").asText());
    JsonNode item = json.at("/items/0");
    assertEquals(0.7, item.at("/distribution/4-Excellent").asDouble());
    assertEquals(Math.log(0.1), item.at("/log_probabilities/1-Irrelevant").asDouble());
    assertEquals(FakeSidecar.LABELS, fieldNames(item.path("distribution")), "best first");
    assertEquals("4-Excellent", item.path("label").asText());
    assertEquals("GOOD", item.path("tier").asText());
    assertEquals(3.4, item.path("expected_grade").asDouble(), 1e-12);
    assertEquals("OK", item.path("status").asText());
    assertTrue(item.path("truncated_tokens").isInt());
    assertEquals("INVALID_ARGUMENT", json.at("/items/1/status").asText());
    assertEquals("expected a text, found blanks", json.at("/items/1/message").asText());
    assertFalse(json.at("/items/1").has("distribution"));
    assertFalse(json.has("prefix_tokens"));
    assertFalse(item.has("suffix_tokens"));
  }

  private static List<String> fieldNames(JsonNode node) {
    List<String> names = new ArrayList<>();
    node.fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void scoreJsonWithTokens() throws IOException {
    assertEquals(0, score("--query", "q", "--item", "abcde", "--json", "--tokens"));
    JsonNode json = json();
    assertEquals("[1,2]", json.path("prefix_tokens").toString());
    assertEquals("[5]", json.at("/items/0/suffix_tokens").toString());
    assertEquals("[[52],[9,52]]", json.at("/label_tokens/4-Excellent").toString());
    assertTrue(sidecar.scored.get(0).getTokens());
  }

  @Test
  void scoreForPeople() {
    assertEquals(0, score("--query", "q", "--item", "无线鼠标", "--item", " "));
    String out = terminal.out();
    assertTrue(out.contains("█ 4-Excellent"), out);
    assertTrue(out.contains("无线鼠标  ██████████████▓▓▒▒░░  4-Excellent"), out);
    assertTrue(out.contains("INVALID_ARGUMENT: expected a text, found blanks"), out);
    assertTrue(out.contains("fake v1, fp32 on cpu"), out);
    assertFalse(out.contains("\u001b"), "no colour on a pipe");
  }

  @Test
  void itemsFromAFileAreScoredInAsManyCallsAsTheLimitAsksFor() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      lines.append("{\"title\": \"product\", \"price\": 1, \"id\": ").append(i).append("}\n");
    }
    int exitCode =
        terminal.runWith(
            lines.toString(),
            "score",
            "--target",
            sidecar.target(),
            "--query",
            "q",
            "--items",
            "-",
            "--json");
    assertEquals(0, exitCode);
    assertEquals(
        List.of(13, 13, 4), sidecar.scored.stream().map(ScoreRequest::getItemsCount).toList());
    JsonNode json = json();
    assertEquals(30, json.path("items").size());
    assertEquals("29", json.at("/items/29/id").asText());
    assertEquals(1.8, json.at("/seconds/prefill").asDouble(), 1e-9);
    assertEquals("gavel score: left out fields price\n", terminal.err());
  }

  @Test
  void explainJsonIsOneObjectALine() throws IOException {
    int exitCode =
        terminal.run(
            ("explain --json --query q --item abcd --order think-first --samples 2"
                    + " --seed 18446744073709551615 --temperature 0.5 --top-k 7 --top-p 0.9"
                    + " --max-tokens 11 --stop END --target "
                    + sidecar.target())
                .split(" "));
    assertEquals(0, exitCode, terminal.err());
    List<String> events = new ArrayList<>();
    for (String line : terminal.out().split("\n")) {
      events.add(mapper.readTree(line).path("event").asText());
    }
    assertEquals("verdict", events.get(0));
    assertEquals(6, events.stream().filter("token"::equals).count());
    assertEquals(2, events.stream().filter("sample_end"::equals).count());
    assertEquals("final", events.get(events.size() - 1));
    JsonNode verdict = mapper.readTree(terminal.out().split("\n")[0]);
    assertEquals("[5]", verdict.path("prefix_tokens").toString());
    assertEquals("[8,13]", verdict.path("answer_tokens").toString());
    JsonNode token = mapper.readTree(terminal.out().split("\n")[1]);
    assertEquals(0, token.path("id").asInt());
    assertEquals("because ", token.path("text").asText());
    assertEquals(-0.5, token.path("log_probability").asDouble());
    assertTrue(terminal.out().contains("\"seed\":18446744073709551615"));
    var request = sidecar.explained.get(0);
    assertEquals(Order.THINK_FIRST, request.getOrder());
    assertEquals(-1L, request.getSampling().getSeed());
    assertEquals(2, request.getSamples());
    assertEquals(0.5f, request.getSampling().getTemperature());
    assertEquals(7, request.getSampling().getTopK());
    assertEquals(0.9f, request.getSampling().getTopP());
    assertEquals(11, request.getSampling().getMaxTokens());
    assertEquals(List.of("END"), request.getSampling().getStopList());
  }

  @Test
  void explainKeepsPathsApart() {
    assertEquals(
        0,
        terminal.run(
            "explain",
            "--target",
            sidecar.target(),
            "--query",
            "q",
            "--item",
            "abcd",
            "--samples",
            "2"));
    String out = terminal.out();
    assertTrue(out.contains("path 1\nbecause it fits[2J\n\npath 2\nbecause it fits[2J\n"), out);
    assertTrue(out.contains("seed 18446744073709551615"), out);
  }

  @Test
  void explainLeavesOutWhatWasNotGiven() {
    terminal.run("explain", "--target", sidecar.target(), "--query", "q", "--item", "abcd");
    var request = sidecar.explained.get(0);
    assertEquals(Order.ORDER_UNSPECIFIED, request.getOrder());
    assertFalse(request.getSampling().hasSeed());
    assertFalse(request.getSampling().hasTemperature());
    assertFalse(request.getSampling().hasMaxTokens());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "full | 75 | resource exhausted: queue: expected room for 1 item, found 0; try again in"
            + " 0.250 s",
        "bad | 65 | invalid argument: request breaks a rule; items[0].title: expected a text, found"
            + " none",
        "broken | 70 | internal: engine: out of luck",
      })
  void failedCallsAreOneLine(String query, int exitCode, String message) {
    assertEquals(exitCode, score("--query", query, "--item", "abcd"));
    assertEquals("gavel score: " + message + "\n", terminal.err());
    assertEquals("", terminal.out());
  }

  @Test
  void debugShowsWhere() {
    assertEquals(70, score("--query", "broken", "--item", "abcd", "--debug"));
    assertTrue(terminal.err().contains("\tat "), terminal.err());
  }

  @Test
  void noItemWithAJudgmentFails() {
    assertEquals(65, score("--query", "q", "--item", " ", "--json"));
  }

  @Test
  void noServer() {
    assertEquals(69, terminal.run("health", "--target", "unix:/nowhere/gavel.sock"));
    assertEquals(
        "gavel health: unix:/nowhere/gavel.sock: expected a server's socket, found nothing there\n",
        terminal.err());
    assertEquals(69, terminal.run("health", "--target", "127.0.0.1:1"));
  }

  @Test
  void health() {
    assertEquals(0, terminal.run("health", "--target", sidecar.target()));
    assertEquals("SERVING\n", terminal.out());
    sidecar.health.setStatus("", ServingStatus.NOT_SERVING);
    assertEquals(69, terminal.run("health", "--target", sidecar.target()));
    assertEquals(65, terminal.run("health", "--target", sidecar.target(), "--service", "no.such"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "score --query q --item x",
        "score --model d --target h:1 --query q --item x",
        "score --target h:1 --query q",
        "score --target h:1 --query q --item x --items f",
        "score --target h --query q --item x",
        "score --target h:1 --quantization int8 --query q --item x",
        "score --model d --quantization int4 --query q --item x",
        "score --model d --threads 0 --query q --item x",
        "score --model d --device gpu --query q --item x",
        "score --model d --device cpu,cuda:0 --query q --item x",
        "score --model d --device cuda:1,cuda:1 --query q --item x",
        "score --target h:1 --device cpu --query q --item x",
        "bench score --shape tiny --device cpu,cpu --prefix 2 --items 1 --item-tokens 2",
        "score --target h:1 --deadline -1 --query q --item x",
        "explain --target h:1 --query q",
        "explain --target h:1 --query q --item x --order sideways",
        "explain --target h:1 --query q --item x --seed pi",
        "bench score --shape tiny --prefix 0 --items 1 --item-tokens 1",
        "bench score --shape giant --prefix 1 --items 1 --item-tokens 1",
        "bench score --prefix 1 --items 1 --item-tokens 1",
        "bench score --shape tiny --prefix 9 --items 1 --item-tokens 1 --order sideways",
        "bench score --shape tiny --prefix 10 --items 1 --item-tokens 1 --order item-first",
        "bench",
        "model",
        "model init --shape tiny",
        "nonsense",
        "--nonsense",
      })
  void wrongCommandLinesAreOneLine(String line) {
    assertEquals(ExitCode.USAGE, terminal.run(line.split(" ")), terminal.err());
    assertEquals(1, terminal.err().lines().count(), terminal.err());
    assertTrue(terminal.err().startsWith("gavel"), terminal.err());
    assertTrue(terminal.err().contains("--help"), terminal.err());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "help",
        "help score",
        "demo --help",
        "serve --help",
        "score -h",
        "explain --help",
        "model --help",
        "model inspect --help",
        "model init --help",
        "model prune --help",
        "model export --help",
        "model quantize --help",
        "bench score --help",
        "health --help",
      })
  void helpNamesTheExitCodes(String line) {
    assertEquals(0, terminal.run(line.split(" ")));
    assertTrue(terminal.out().contains("75   overload or deadline"), terminal.out());
    assertEquals("", terminal.err());
  }

  @Test
  void version() {
    assertEquals(0, terminal.run("version"));
    assertTrue(terminal.out().matches("(?s)gavel \\d+\\.\\d+\\.\\d+.*java .*"), terminal.out());
    assertEquals(0, terminal.run("--version"));
  }

  @Test
  void demoWithoutAModelSaysWhatToType() {
    if (EmbeddedModel.find().isEmpty()) {
      assertEquals(65, terminal.run("demo"));
      assertTrue(terminal.err().contains("./gavel demo --model DIR"), terminal.err());
      assertEquals(1, terminal.err().lines().count());
    }
  }
}
