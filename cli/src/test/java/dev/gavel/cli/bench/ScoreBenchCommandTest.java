package dev.gavel.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.cli.TestTerminal;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class ScoreBenchCommandTest {
  private static final String SHAPE =
      "bench score --shape tiny --quantization int8 --threads 1 --prefix 23 --items 5"
          + " --item-tokens 17 --requests 3 --warm-up 1 --seed 1 ";
  private final TestTerminal terminal = new TestTerminal(100);

  @Test
  void itemFirstStandsBesideQueryFirst() throws IOException {
    assertEquals(
        0,
        terminal.run((SHAPE + "--order item-first --query-tokens 7 --json").split(" ")),
        terminal.err());
    JsonNode found = new JsonMapper().readTree(terminal.out());
    JsonNode hot = found.path("item_first");
    assertEquals(7, hot.path("query_tokens").asInt());
    double rate = hot.path("pairs_per_second").asDouble();
    assertEquals(5 / hot.path("seconds_median").asDouble(), rate, rate * 1e-9);
    assertEquals(
        rate / found.path("pairs_per_second").asDouble(),
        hot.path("times_query_first").asDouble(),
        1e-9);
  }

  @Test
  void queryFirstAlone() throws IOException {
    assertEquals(0, terminal.run((SHAPE + "--json").split(" ")), terminal.err());
    assertTrue(new JsonMapper().readTree(terminal.out()).path("item_first").isMissingNode());
  }
}
