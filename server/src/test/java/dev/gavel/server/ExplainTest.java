package dev.gavel.server;

import static dev.gavel.server.Explanations.PROMPT;
import static dev.gavel.server.Explanations.assertPath;
import static dev.gavel.server.Explanations.codePoints;
import static dev.gavel.server.Explanations.end;
import static dev.gavel.server.Explanations.explain;
import static dev.gavel.server.Explanations.request;
import static dev.gavel.server.Explanations.text;
import static dev.gavel.server.Explanations.tokens;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.relevance.Limits;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.FinishReason;
import dev.gavel.v1.Item;
import dev.gavel.v1.Order;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an explanation says: verdict, reasoning, and both orders of them. */
class ExplainTest extends AbstractServerTest {
  private static String bestLabel(String seen) {
    float[] logs = FakeEngine.labelLogProbabilities(codePoints(seen), 4);
    int best = 0;
    for (int i = 1; i < 4; i++) {
      best = logs[i] > logs[best] ? i : best;
    }
    return new FakeModel().labels().get(best).name();
  }

  @Test
  void labelFirst() {
    List<ExplainEvent> events = explain(harness, request(Order.LABEL_FIRST, 1, 13).build());
    assertTrue(events.get(0).hasVerdict());
    Harness.assertJudged(codePoints(PROMPT), events.get(0).getVerdict().getItem());
    assertEquals("i", events.get(0).getVerdict().getItem().getId());
    assertEquals("fake", events.get(0).getVerdict().getModel().getName());
    assertEquals("q=tea;".length(), events.get(0).getVerdict().getPrefixTokensCount());
    assertEquals(13, tokens(events, 0).size());
    String answer = bestLabel(PROMPT) + " since ";
    assertEquals(
        answer.codePoints().boxed().toList(), events.get(0).getVerdict().getAnswerTokensList());
    assertPath(PROMPT + answer, events, 0, 42);
    assertEquals(FinishReason.LENGTH, end(events, 0).getSampleEnd().getFinishReason());
    assertEquals(0, end(events, 0).getSampleEnd().getDistributionCount());
    ExplainEvent last = events.get(events.size() - 1);
    assertTrue(last.hasFinal());
    assertEquals(events.get(0).getVerdict().getItem(), last.getFinal().getItem());
    assertEquals(13, last.getFinal().getGeneratedTokens());
    assertEquals(
        PROMPT.length() + bestLabel(PROMPT).length() + " since ".length(),
        last.getFinal().getPromptTokens());
    assertEquals(42, last.getFinal().getSeed());
  }

  @Test
  void thinkFirst() {
    List<ExplainEvent> events = explain(harness, request(Order.THINK_FIRST, 1, 13).build());
    assertPath(PROMPT, events, 0, 42);
    int[] judged = codePoints(PROMPT + text(events, 0) + " so:");
    Harness.assertDistribution(judged, end(events, 0).getSampleEnd().getDistributionList());
    ExplainEvent verdict = events.get(events.size() - 2);
    assertTrue(verdict.hasVerdict());
    Harness.assertJudged(judged, verdict.getVerdict().getItem());
    assertEquals(0, verdict.getVerdict().getAnswerTokensCount());
    assertTrue(events.get(events.size() - 1).hasFinal());
  }

  @ParameterizedTest
  @EnumSource(
      value = Order.class,
      names = {"LABEL_FIRST", "THINK_FIRST"})
  void manySamplesShareThePromptOnly(Order order) {
    List<ExplainEvent> events = explain(harness, request(order, 4, 20).build());
    List<ExplainEvent> alone = explain(harness, request(order, 1, 20).build());
    assertEquals(text(alone, 0), text(events, 0), "path 0 does not depend on the others");
    double[] mean = new double[4];
    for (int sample = 0; sample < 4; sample++) {
      assertEquals(20, tokens(events, sample).size());
      for (int other = 0; other < sample; other++) {
        assertNotEquals(text(events, other), text(events, sample));
      }
      if (order == Order.THINK_FIRST) {
        var distribution = end(events, sample).getSampleEnd().getDistributionList();
        Harness.assertDistribution(
            codePoints(PROMPT + text(events, sample) + " so:"), distribution);
        for (int i = 0; i < 4; i++) {
          mean[i] += distribution.get(i).getProbability() / 4;
        }
      }
    }
    ExplainEvent last = events.get(events.size() - 1);
    assertEquals(80, last.getFinal().getGeneratedTokens());
    if (order == Order.THINK_FIRST) {
      for (int i = 0; i < 4; i++) {
        assertEquals(mean[i], last.getFinal().getItem().getDistribution(i).getProbability(), 1e-12);
      }
    }
  }

  @Test
  void theSeedFixesTheReasoning() {
    ExplainRequest request = request(Order.LABEL_FIRST, 2, 13).build();
    assertEquals(text(explain(harness, request), 1), text(explain(harness, request), 1));
    ExplainRequest.Builder random = request.toBuilder();
    random.getSamplingBuilder().clearSeed();
    List<ExplainEvent> events = explain(harness, random.build());
    random.getSamplingBuilder().setSeed(events.get(events.size() - 1).getFinal().getSeed());
    assertEquals(text(events, 1), text(explain(harness, random.build()), 1));
  }

  @Test
  void reasoningMayBeginRightAtThePromptsEnd() throws Exception {
    FakeModel model = new FakeModel(new Limits(10, 40, 64, 48, 4), 4096, true);
    try (Harness other = new Harness(Harness.config(), model, new FakeEngine(256, 8, 64))) {
      List<ExplainEvent> events = explain(other, request(Order.LABEL_FIRST, 2, 13).build());
      assertPath(PROMPT, events, 0, 42);
      assertEquals(13, tokens(events, 1).size());
    }
  }

  @Test
  void badItemIsRefused() {
    ExplainRequest request =
        ExplainRequest.newBuilder().setQuery("tea").setItem(Item.getDefaultInstance()).build();
    StatusRuntimeException e =
        assertThrows(StatusRuntimeException.class, () -> explain(harness, request));
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("INVALID_REQUEST", Harness.reason(e));
  }
}
