package dev.gavel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.v1.ScoreRequest;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code bench serve}, against a server that answers at once and against a real one. */
class ServeBenchCommandTest {
  private final TestTerminal terminal = new TestTerminal(160);
  private FakeSidecar sidecar;

  @BeforeEach
  void start() throws Exception {
    sidecar = new FakeSidecar();
  }

  @AfterEach
  void stop() {
    sidecar.close();
  }

  private int bench(String... more) {
    List<String> args = new ArrayList<>(List.of("bench", "serve", "--warm-up", "0"));
    args.addAll(List.of(more));
    return terminal.run(args.toArray(String[]::new));
  }

  private int benchTarget(String... more) {
    List<String> args = new ArrayList<>(List.of("--target", sidecar.target(), "--items", "5"));
    args.addAll(List.of(more));
    return bench(args.toArray(String[]::new));
  }

  /** Every call that was due is sent, at its rate, whatever the machine is busy with. */
  @Test
  void jsonHasThePhasesThatWereAskedFor() throws Exception {
    assertEquals(
        0,
        benchTarget(
            "--seconds", "0.5", "--rate", "101,13", "--deadline", "30", "--json", "--seed", "7"),
        terminal::err);
    JsonNode json = new JsonMapper().readTree(terminal.out());
    assertEquals("fake", json.path("model").asText());
    assertEquals(7, json.path("seed").asLong());
    assertEquals(5, json.path("items").asInt());
    List<String> names = new ArrayList<>();
    json.path("phases").forEach(phase -> names.add(phase.path("phase").asText()));
    assertEquals(List.of("idle", "capacity", "101/s", "13/s"), names);
    JsonNode fast = json.at("/phases/2");
    assertEquals(101, fast.path("offered_per_second").asDouble());
    assertEquals(30, fast.path("deadline_seconds").asDouble());
    assertEquals(50, fast.path("calls").asInt(), "the first 50 of 101 gaps end within 0.5 s");
    assertEquals(50, fast.at("/outcomes/OK").asInt());
    assertEquals(1, fast.path("deadline_met").asDouble());
    assertEquals(6, json.at("/phases/3/calls").asInt());
    assertTrue(fast.at("/latency_seconds/p999").isDouble());
    assertTrue(fast.has("added_seconds") && fast.has("send_lag_seconds"));
    assertFalse(fast.has("refusal_seconds"));
    assertEquals(1, json.at("/phases/0/clients").asInt());
  }

  @Test
  void loadIsAMultipleOfTheCapacity() throws Exception {
    assertEquals(0, benchTarget("--seconds", "0.2", "--load", "0.05", "--json"), terminal::err);
    JsonNode json = new JsonMapper().readTree(terminal.out());
    double capacity = json.at("/phases/1/sustained_per_second").asDouble();
    assertEquals("load 0.05", json.at("/phases/2/phase").asText());
    assertEquals(
        0.05 * capacity, json.at("/phases/2/offered_per_second").asDouble(), 1e-9 * capacity);
  }

  @Test
  void tableForPeople() {
    assertEquals(0, benchTarget("--seconds", "0.1"), terminal::err);
    assertTrue(terminal.out().contains("fake v1, fp32 on cpu: 5 items"), terminal.out());
    assertTrue(terminal.out().contains("capacity"), terminal.out());
    assertTrue(terminal.out().contains("outcomes {OK="), terminal.out());
    for (ScoreRequest request : sidecar.scored) {
      assertTrue(request.getItemsCount() == 5 || request.getTokens());
    }
  }

  /** The texts have about the tokens that were asked for, and a real server takes the load. */
  @Test
  void aServerInThisProcess() throws Exception {
    assertEquals(
        0,
        bench(
            "--shape",
            "tiny",
            "--threads",
            "1",
            "--items",
            "2",
            "--item-tokens",
            "70",
            "--query-tokens",
            "5",
            "--hot-queries",
            "2",
            "--hot-items",
            "4",
            "--seconds",
            "0.2",
            "--rate",
            "20",
            "--deadline",
            "60",
            "--json"),
        terminal::err);
    JsonNode json = new JsonMapper().readTree(terminal.out());
    assertEquals(70, json.path("item_tokens").asDouble(), 14, "a fifth of what was asked for");
    for (JsonNode phase : json.path("phases")) {
      assertTrue(phase.path("answered").asLong() > 0, phase.toString());
      assertEquals(0, phase.path("failed").asLong(), phase.toString());
      assertEquals(0, phase.path("bad_items").asLong(), phase.toString());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--items 14 | --items: expected at most the server's 13, found 14",
        "--items 4 --hot-items 3 | --hot-items: expected 0, or at least the 4 of a request, found 3",
        "--seconds 0 | --seconds: expected 0.01 to 86400, found 0",
        "--rate -1 | --rate: expected 0.001 to 1000000, found -1",
        "--load 0 | --load: expected 0.001 to 10000, found 0",
        "--clients 0 | --clients: expected 1 to 4096, found 0",
        "--threads 2 | --quantization, --threads and --cores go with --model",
        "--config x.yaml | --config goes with --model and --shape",
      })
  void mistakesAreNamed(String options, String expected) {
    List<String> args = new ArrayList<>(List.of("--target", sidecar.target()));
    args.addAll(List.of(options.split(" ")));
    assertEquals(2, bench(args.toArray(String[]::new)));
    assertTrue(terminal.err().contains(expected), terminal.err());
  }
}
