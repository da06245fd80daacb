package dev.gavel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Order;
import dev.gavel.v1.ScoreRequest;
import org.junit.jupiter.api.Test;

/** {@code bench verdict}. */
class VerdictBenchCommandTest {
  private final TestTerminal terminal = new TestTerminal(160);

  @Test
  void scoresAndExplainsInTurnEachPairNew() throws Exception {
    try (FakeSidecar sidecar = new FakeSidecar()) {
      assertEquals(
          0,
          terminal.run(
              "bench",
              "verdict",
              "--target",
              sidecar.target(),
              "--requests",
              "7",
              "--warm-up",
              "2",
              "--item-chars",
              "31",
              "--seed",
              "5",
              "--json"),
          terminal::err);
      JsonNode json = new JsonMapper().readTree(terminal.out());
      assertEquals(
          json.at("/verdict_seconds/median").asDouble()
              / json.at("/score_seconds/median").asDouble(),
          json.path("verdict_over_score").asDouble(),
          1e-9);
      assertEquals("fake", json.path("model").asText());
      assertEquals(7, json.path("requests").asInt());
      assertEquals(9, sidecar.scored.size());
      assertEquals(9, sidecar.explained.size());
      assertEquals(9, sidecar.scored.stream().map(ScoreRequest::getQuery).distinct().count());
      for (ExplainRequest request : sidecar.explained) {
        assertEquals(Order.LABEL_FIRST, request.getOrder());
        assertEquals(1, request.getSampling().getMaxTokens());
        assertEquals(31, request.getItem().getText().length());
      }
    }
  }

  @Test
  void refusesNumbersOutOfRange() {
    assertEquals(2, terminal.run("bench", "verdict", "--target", "localhost:1", "--requests", "0"));
    assertTrue(terminal.err().contains("expected at least 1 request"), terminal::err);
  }
}
