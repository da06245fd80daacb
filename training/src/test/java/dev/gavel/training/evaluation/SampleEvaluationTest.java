package dev.gavel.training.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.training.Labels;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class SampleEvaluationTest {
  private static Hallucination.Response response(int truth, int label, int conclusion) {
    return new Hallucination.Response(
        truth, label, conclusion < 0 ? OptionalInt.empty() : OptionalInt.of(conclusion));
  }

  @Test
  void contradictionsAreToldApart() {
    Hallucination found =
        Hallucination.of(
            List.of(
                response(0, 0, 0), // right throughout
                response(0, 1, 1), // wrong, but of one mind
                response(0, 1, 0), // sound reasoning, wrong label
                response(2, 2, 3), // right label, unsound reasoning
                response(2, 2, 0),
                response(1, 2, 3), // neither
                response(1, 1, -1), // no conclusion
                response(1, 2, -1)));
    assertEquals(new Hallucination(8, 6, 1, 2, 1), found);
    assertEquals(4, found.count());
    assertEquals(4 / 6.0, found.rate());
    assertEquals(.75, found.coverage());
  }

  @Test
  void passAtCountsPairs() {
    SampleEvaluation found =
        SampleEvaluation.of(
            Labels.DIGITS,
            List.of(
                List.of(response(0, 0, -1), response(0, 1, -1), response(0, 1, -1)),
                List.of(response(3, 1, -1), response(3, 1, -1))));
    // One of three is right: 1/3, then any two of three hold it in 2/3. The other pair: never.
    assertEquals(2, found.passAt().size());
    assertEquals(1 / 6.0, found.passAt().get(0), 1e-15);
    assertEquals(1 / 3.0, found.passAt().get(1), 1e-15);
    assertTrue(found.toJson().at("/hallucination/rate").isNull());
    assertEquals(5, found.toJson().get("responses").asInt());
  }

  @Test
  void theVoteIsTheMostFrequentLabel() {
    SampleEvaluation found =
        SampleEvaluation.of(
            Labels.DIGITS,
            List.of(
                List.of(response(0, 3, -1), response(0, 0, -1), response(0, 0, -1)), // 0: right
                List.of(response(1, 2, -1), response(1, 1, -1)), // a tie: the first, wrong
                List.of(response(3, 3, -1)))); // right
    assertEquals(1, found.vote().count(0, 0));
    assertEquals(1, found.vote().count(1, 2));
    assertEquals(1, found.vote().count(3, 3));
    assertEquals(2 / 3.0, found.toJson().at("/vote/accuracy").asDouble(), 1e-15);
    assertEquals(.5, found.toJson().at("/vote/macro_f1").asDouble(), 1e-15);
  }
}
