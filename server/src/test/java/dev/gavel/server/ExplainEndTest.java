package dev.gavel.server;

import static dev.gavel.server.Explanations.PROMPT;
import static dev.gavel.server.Explanations.codePoints;
import static dev.gavel.server.Explanations.end;
import static dev.gavel.server.Explanations.explain;
import static dev.gavel.server.Explanations.request;
import static dev.gavel.server.Explanations.text;
import static dev.gavel.server.Explanations.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gavel.relevance.Limits;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.FinishReason;
import dev.gavel.v1.Order;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where reasoning ends. */
class ExplainEndTest extends AbstractServerTest {
  /** The engine will draw this text, then end. */
  private void script(String text) {
    harness.engine.drawer =
        (seen, sampling, draw) -> draw < text.length() ? text.charAt(draw) : FakeModel.END_TOKEN;
  }

  @ParameterizedTest
  @EnumSource(
      value = Order.class,
      names = {"LABEL_FIRST", "THINK_FIRST"})
  void endsAtTheEndToken(Order order) {
    script("a reason");
    List<ExplainEvent> events = explain(harness, request(order, 1, 40).build());
    assertEquals("a reason", text(events, 0));
    assertEquals(FinishReason.END_OF_TEXT, end(events, 0).getSampleEnd().getFinishReason());
    assertEquals(9, end(events, 0).getSampleEnd().getTokens());
    assertEquals(9, tokens(events, 0).size());
    if (order == Order.THINK_FIRST) {
      Harness.assertDistribution(
          codePoints(PROMPT + "a reason so:"), end(events, 0).getSampleEnd().getDistributionList());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"one STOP two", "one ### two"})
  void endsBeforeAStopText(String drawn) {
    script(drawn);
    for (Order order : List.of(Order.LABEL_FIRST, Order.THINK_FIRST)) {
      ExplainRequest.Builder request = request(order, 1, 40);
      request.getSamplingBuilder().addStop("STOP");
      List<ExplainEvent> events = explain(harness, request.build());
      assertEquals("one ", text(events, 0));
      assertEquals(FinishReason.STOP, end(events, 0).getSampleEnd().getFinishReason());
      if (order == Order.THINK_FIRST) {
        Harness.assertDistribution(
            codePoints(PROMPT + "one  so:"), end(events, 0).getSampleEnd().getDistributionList());
      }
    }
  }

  @Test
  void emptyReasoningCanBeJudged() {
    script("");
    List<ExplainEvent> events = explain(harness, request(Order.THINK_FIRST, 2, 40).build());
    assertEquals("", text(events, 0));
    Harness.assertDistribution(
        codePoints(PROMPT + " so:"), end(events, 0).getSampleEnd().getDistributionList());
  }

  @Test
  void beginningOfAStopTextIsFlushedAtTheEnd() {
    script("ab##");
    assertEquals("ab##", text(explain(harness, request(Order.LABEL_FIRST, 1, 40).build()), 0));
    assertEquals("ab##", text(explain(harness, request(Order.LABEL_FIRST, 1, 4).build()), 0));
  }

  @Test
  void contextBoundsTheReasoning() throws Exception {
    FakeModel model = new FakeModel(new Limits(10, 40, 64, 48, 4), 50, false);
    try (Harness other = new Harness(Harness.config(), model, new FakeEngine(256, 8, 64))) {
      List<ExplainEvent> events = explain(other, request(Order.THINK_FIRST, 1, 48).build());
      // Prompt, its last token once more, cue and the longest label stay free.
      assertEquals(50 - PROMPT.length() - 1 - 4 - 2, tokens(events, 0).size());
      assertEquals(FinishReason.LENGTH, end(events, 0).getSampleEnd().getFinishReason());
      ExplainRequest.Builder tooLong = request(Order.LABEL_FIRST, 1, 48);
      tooLong.getItemBuilder().setText("x".repeat(64));
      StatusRuntimeException e =
          assertThrows(
              StatusRuntimeException.class, () -> other.stub().explain(tooLong.build()).next());
      assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    }
  }
}
