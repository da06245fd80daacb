package dev.gavel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.cli.client.LocalServer;
import dev.gavel.server.ServerConfig;
import dev.gavel.server.observability.DeviceMonitor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole command lines with a tiny model of random weights: engine, server and client are real. */
class LocalModelTest {
  @TempDir static Path folder;
  private static String model;
  private final JsonMapper mapper = new JsonMapper();
  private final TestTerminal terminal = new TestTerminal(100);

  @BeforeAll
  static void init() {
    model = folder.resolve("a tiny model").toString();
    TestTerminal terminal = new TestTerminal(100);
    int exitCode =
        terminal.run("model", "init", "--shape", "tiny", "--out", model, "--seed", "20250817");
    assertEquals(0, exitCode, terminal.err());
  }

  private JsonNode json(TestTerminal from) throws IOException {
    return mapper.readTree(from.out());
  }

  @Test
  void inspect() {
    assertEquals(0, terminal.run("model", "inspect", model), terminal.err());
    assertTrue(terminal.out().contains("parameters"), terminal.out());
  }

  @Test
  void scoresTheSameInProcessOverTcpAndOverAUnixSocket() throws IOException {
    Path socket = folder.resolve("gavel.sock");
    ServerConfig config =
        ServerConfig.defaults().withListen("127.0.0.1:0").withUds(socket.toString());
    try (LocalServer local = LocalServer.start(Path.of(model), config, () -> DeviceMonitor.NONE)) {
      JsonNode inProcess = score("--model", model);
      JsonNode tcp = score("--target", "127.0.0.1:" + local.server().port());
      JsonNode unix = score("--target", "unix:" + socket);
      for (String field : List.of("items", "prefix_tokens", "label_tokens", "model")) {
        assertEquals(inProcess.path(field), tcp.path(field), field);
        assertEquals(inProcess.path(field), unix.path(field), field);
      }
      assertEquals(0, terminal.run("health", "--target", "unix:" + socket), terminal.err());
    }
  }

  @Test
  void scoresTheSameOnSeveralDevices() throws IOException {
    JsonNode one = score("--model", model, "--quantization", "int8");
    JsonNode three = score("--model", model, "--quantization", "int8", "--device", "cpu,cpu,cpu");
    assertEquals(one.path("items"), three.path("items"));
    assertEquals("cpu", three.at("/model/device").asText());
  }

  @Test
  void aDeviceThatIsNotThereIsAnError() {
    int code =
        terminal.run(
            "score", "--model", model, "--device", "cuda:999", "--query", "q", "--item", "x");
    assertEquals(ExitCode.UNAVAILABLE, code);
    assertTrue(terminal.err().contains("cuda:999: expected"), terminal.err());
  }

  private JsonNode score(String... who) throws IOException {
    List<String> args = new ArrayList<>(List.of("score", "--json", "--tokens", "--label-mass"));
    args.addAll(List.of(who));
    args.addAll(List.of("--query", "red shoes", "--item", "Red Sneakers", "--item", "无线鼠标 👟"));
    TestTerminal fresh = new TestTerminal(100);
    assertEquals(0, fresh.run(args.toArray(String[]::new)), fresh.err());
    JsonNode json = json(fresh);
    for (JsonNode item : json.path("items")) {
      assertEquals("OK", item.path("status").asText());
      double sum = 0;
      for (JsonNode probability : item.path("distribution")) {
        sum += probability.asDouble();
      }
      assertEquals(1, sum, 1e-9);
      assertTrue(item.path("log_label_mass").asDouble() <= 1e-6);
      assertFalse(item.path("suffix_tokens").isEmpty());
    }
    assertFalse(json.path("prefix_tokens").isEmpty());
    return json;
  }

  @Test
  void theSameSeedGivesTheSameReasoning() throws IOException {
    List<JsonNode> first = explain();
    List<JsonNode> second = explain();
    assertEquals(first.size(), second.size());
    assertEquals("verdict", first.get(0).path("event").asText());
    assertEquals("final", first.get(first.size() - 1).path("event").asText());
    List<JsonNode> tokens = tokens(first);
    assertFalse(tokens.isEmpty());
    assertEquals(tokens, tokens(second));
  }

  private List<JsonNode> explain() throws IOException {
    TestTerminal fresh = new TestTerminal(100);
    int exitCode =
        fresh.run(
            "explain",
            "--json",
            "--model",
            model,
            "--query",
            "red shoes",
            "--item",
            "Sneakers",
            "--seed",
            "7",
            "--temperature",
            "1",
            "--max-tokens",
            "13");
    assertEquals(0, exitCode, fresh.err());
    List<JsonNode> events = new ArrayList<>();
    for (String line : fresh.out().split("\n")) {
      events.add(mapper.readTree(line));
    }
    return events;
  }

  private static List<JsonNode> tokens(List<JsonNode> events) {
    return events.stream().filter(event -> event.path("event").asText().equals("token")).toList();
  }

  @Test
  void demo() throws IOException {
    assertEquals(0, terminal.run("demo", "--model", model), terminal.err());
    String out = terminal.out();
    assertTrue(out.contains("shoes not leather"), out);
    assertTrue(out.contains("12 queries, 50 products"), out);
    assertTrue(out.contains("./gavel serve --model '" + model + "'"), out);
  }

  @Test
  void bench() throws IOException {
    int exitCode =
        terminal.run(
            ("bench score --shape tiny --prefix 13 --items 7 --item-tokens 5 --requests 3"
                    + " --seed 207 --threads 1 --json")
                .split(" "));
    assertEquals(0, exitCode, terminal.err());
    JsonNode json = json(terminal);
    double median = json.at("/seconds/median").asDouble();
    assertTrue(median > 0 && json.at("/seconds/p99").asDouble() >= median);
    assertEquals(7 / median, json.path("pairs_per_second").asDouble(), 1e-9 / median);
    assertEquals("GFLOP/s", json.at("/gemm_ceiling/unit").asText());
    assertEquals(
        json.path("giga_operations_per_request").asDouble()
            / median
            / json.at("/gemm_ceiling/value").asDouble(),
        json.path("fraction_of_ceiling").asDouble(),
        1e-12);
    assertEquals(207, json.path("seed").asLong());
    assertEquals(13 + 7 * 5, json.path("tokens_per_request").asInt());
  }

  @Test
  void aBrokenModelIsOneLine() throws IOException {
    Path broken = Files.createDirectory(folder.resolve("broken"));
    try (Stream<Path> files = Files.list(Path.of(model))) {
      for (Path file : files.toList()) {
        Files.copy(file, broken.resolve(file.getFileName()));
      }
    }
    Files.writeString(broken.resolve("config.json"), "{");
    for (String command : List.of("demo", "serve", "score --query q --item x")) {
      TestTerminal fresh = new TestTerminal(100);
      List<String> args = new ArrayList<>(List.of(command.split(" ")));
      args.addAll(List.of("--model", broken.toString()));
      assertEquals(65, fresh.run(args.toArray(String[]::new)));
      assertTrue(fresh.err().contains("config.json: expected"), fresh.err());
      assertFalse(fresh.err().contains("\tat "), fresh.err());
    }
  }
}
