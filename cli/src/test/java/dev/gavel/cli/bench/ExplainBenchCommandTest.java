package dev.gavel.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.cli.TestTerminal;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExplainBenchCommandTest {
  private final TestTerminal terminal = new TestTerminal(100);

  private int bench(String arguments) {
    return terminal.run(("bench explain " + arguments).split(" "));
  }

  @Test
  void printsRateAndLimit() throws IOException {
    int exitCode =
        bench(
            "--shape tiny --quantization int8 --threads 1 --streams 3 --prompt 5 --tokens 30"
                + " --rounds 1 --seed 1 --json");
    assertEquals(0, exitCode, terminal.err());
    JsonNode found = new JsonMapper().readTree(terminal.out());
    assertEquals(3, found.path("streams").asInt());
    assertEquals(30, found.path("steps").asInt());
    double median = found.path("step_seconds").path("median").asDouble();
    assertEquals(3 / median, found.path("tokens_per_second").asDouble(), 1e-6 / median);
    double limit = found.path("limit_tokens_per_second").asDouble();
    assertEquals(
        found.path("tokens_per_second").asDouble() / limit,
        found.path("fraction_of_bandwidth").asDouble(),
        1e-9);
    assertTrue(found.path("bandwidth_gb_per_second").asDouble() > 0);
  }

  @Test
  void takesCeilingsThatWereMeasuredElsewhere() throws IOException {
    assertEquals(
        0, bench("--shape tiny --threads 1 --tokens 3 --rounds 1 --peak 9 --bandwidth 7.5 --json"));
    JsonNode found = new JsonMapper().readTree(terminal.out());
    assertEquals(7.5, found.path("bandwidth_gb_per_second").asDouble());
  }

  @Test
  void decodesFarEnoughForAllBlocks() {
    assertEquals(0, bench("--shape tiny --threads 1 --prompt 16 --tokens 33 --rounds 1"));
    assertTrue(terminal.out().contains("33 tokens behind a prompt of 16"), terminal.out());
  }

  @Test
  void refusesWhatDoesNotFit() {
    for (String arguments :
        new String[] {
          "--shape tiny --streams 0",
          "--shape tiny --prompt 0",
          "--shape tiny --rounds 0",
          "--shape tiny --prompt 2000 --tokens 49 --threads 1",
          "--streams 1",
          "--shape tiny --peak 1",
          "--shape tiny --peak 1 --bandwidth 0"
        }) {
      assertEquals(2, bench(arguments), arguments);
    }
  }

  /** The machine yields half as much in the second round, and a step takes twice as long. */
  @Test
  void everyRoundHasItsOwnBandwidth() {
    DecodeShape shape = new DecodeShape(1, 4, 3);
    DecodeLimit limit = new DecodeLimit(1_000_000_000, 1, 0);
    List<ExplainBench.Round> rounds =
        List.of(
            new ExplainBench.Round(40, new double[] {0.05, 0.05, 0.9}),
            new ExplainBench.Round(20, new double[] {0.1, 0.1, 0.1}),
            new ExplainBench.Round(10, new double[] {0.1, 0.4, 0.2}));
    ExplainBenchResult result = new ExplainBenchResult("m", shape, null, limit, rounds, 1);
    assertEquals(0.5, result.fractionOfBandwidth(), 1e-9);
    assertEquals(20, result.gigabytesPerSecond());
    assertEquals(0.1, result.median());
    assertEquals(10, result.tokensPerSecond(), 1e-9);
  }

  @Test
  void limitByHand() {
    // 2 streams of 10 tokens behind 4: a row sees 5 to 14 tokens, 9.5 in the mean.
    DecodeShape shape = new DecodeShape(2, 4, 10);
    assertEquals(9.5, shape.meanContext());
    DecodeLimit limit = new DecodeLimit(1000, 4, 7);
    assertEquals(4000 + 2 * 9.5 * 7, limit.bytes(shape));
    assertEquals(limit.bytes(shape) / 50, limit.seconds(shape, 50));
  }
}
