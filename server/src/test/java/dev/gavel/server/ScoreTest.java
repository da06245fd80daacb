package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.BadRequest;
import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;
import dev.gavel.v1.GetModelRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.LabelProbability;
import dev.gavel.v1.Model;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import dev.gavel.v1.Tier;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScoreTest extends AbstractServerTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 13, 207, 1000})
  void everyItemGetsItsOwnAnswerInOrder(int items) {
    ScoreRequest request = Harness.request("red shoes", items).setRequestId("r1").build();
    ScoreResponse response = harness.stub().score(request);
    Harness.assertAnswers(request, response);
    assertEquals("r1", response.getRequestId());
    assertEquals("fake", response.getModel().getName());
    assertEquals("v1", response.getModel().getVersion());
    assertEquals("fp32", response.getModel().getQuantization());
    assertEquals("cpu", response.getModel().getDevice());
    assertFalse(response.hasStatus());
  }

  @Test
  void splitCallComputesItsPrefixOnce() {
    ScoreRequest request = Harness.request("a query of some length", 207).build();
    Harness.assertAnswers(request, harness.stub().score(request));
    long rows = "q=a query of some length;".length();
    for (Item item : request.getItemsList()) {
      rows += item.getText().length() + 2; // "=" and the label trie's inner node
    }
    assertEquals(rows, harness.engine.rows());
    assertTrue(harness.engine.batches() > 1, "expected several batches");
  }

  @Test
  void withoutBlocksThePrefixIsComputedAgain() throws Exception {
    try (Harness poor =
        new Harness(Harness.config(), new FakeModel(), new FakeEngine(Harness.ROWS, 8, 0))) {
      ScoreRequest request = Harness.request("red shoes", 207).build();
      Harness.assertAnswers(request, poor.stub().score(request));
    }
  }

  @Test
  void judgmentFollowsFromTheDistribution() {
    ScoredItem item = harness.stub().score(Harness.request("tea", "green tea").build()).getItems(0);
    double sum = 0;
    double grade = 0;
    int best = 0;
    for (int i = 0; i < 4; i++) {
      LabelProbability label = item.getDistribution(i);
      sum += label.getProbability();
      grade += label.getGrade() * label.getProbability();
      assertEquals(4 - i, label.getGrade());
      if (label.getProbability() > item.getDistribution(best).getProbability()) {
        best = i;
      }
    }
    assertEquals(1, sum, 1e-12);
    assertEquals(grade, item.getExpectedGrade(), 1e-12);
    assertEquals(item.getDistribution(best).getLabel(), item.getLabel());
    double good =
        item.getDistribution(0).getProbability() + item.getDistribution(1).getProbability();
    double mid = good + item.getDistribution(2).getProbability();
    assertEquals(good >= 0.5 ? Tier.GOOD : mid >= 0.5 ? Tier.MID : Tier.BAD, item.getTier());
    assertFalse(item.hasLogLabelMass());
  }

  @Test
  void badItemsDoNotFailTheOthers() {
    ScoreRequest request =
        Harness.request("tea", "green tea", "", "  ", "x".repeat(500))
            .addItems(Item.newBuilder().setId("both").setText("a").setTitle("b"))
            .addItems(Item.newBuilder().setTitle("cup ").setDescription("blue"))
            .build();
    List<ScoredItem> items = harness.stub().score(request).getItemsList();
    for (int bad : new int[] {1, 2, 4}) {
      assertEquals(3, items.get(bad).getStatus().getCode());
      assertEquals(0, items.get(bad).getDistributionCount());
      assertEquals(
          "ITEM_REFUSED",
          Harness.detail(items.get(bad).getStatus(), com.google.rpc.ErrorInfo.class).getReason());
    }
    assertEquals("both", items.get(4).getId());
    Harness.assertJudged(Harness.prompt(request, 0), items.get(0));
    Harness.assertJudged("q=tea;cup blue=".codePoints().toArray(), items.get(5));
    assertEquals(500 - 64, items.get(3).getTruncatedTokens());
    Harness.assertJudged(("q=tea;" + "x".repeat(64) + "=").codePoints().toArray(), items.get(3));
  }

  @Test
  void onlyBadItemsNeedNoBatch() {
    ScoreResponse response = harness.stub().score(Harness.request("tea", "", " ").build());
    assertEquals(3, response.getItems(0).getStatus().getCode());
    assertEquals(3, response.getItems(1).getStatus().getCode());
    assertEquals(0, harness.engine.batches());
  }

  @Test
  void itemsThatFitNoBatchAreRefusedAlone() throws Exception {
    try (Harness narrow =
        new Harness(Harness.config(), new FakeModel(), new FakeEngine(32, 8, 64))) {
      ScoreRequest request = Harness.request("tea", "short", "y".repeat(60), "also").build();
      List<ScoredItem> items = narrow.stub().score(request).getItemsList();
      Harness.assertJudged(Harness.prompt(request, 0), items.get(0));
      assertEquals(3, items.get(1).getStatus().getCode());
      Harness.assertJudged(Harness.prompt(request, 2), items.get(2));
    }
  }

  @Test
  void tokensAndMassOnRequest() {
    ScoreRequest request =
        Harness.request("tea", "green tea", "").setTokens(true).setLabelMass(true).build();
    ScoreResponse response = harness.stub().score(request);
    assertEquals("q=tea;", text(response.getPrefixTokensList()));
    assertEquals("green tea=", text(response.getItems(0).getSuffixTokensList()));
    assertEquals("4-Excellent", response.getLabelTokens(0).getLabel());
    assertEquals("Ir", text(response.getLabelTokens(3).getForms(0).getTokensList()));
    assertEquals(
        FakeEngine.logMass(Harness.prompt(request, 0)), response.getItems(0).getLogLabelMass(), 0);
    assertEquals(0, response.getItems(1).getSuffixTokensCount());
  }

  private static String text(List<Integer> tokens) {
    int[] codePoints = tokens.stream().mapToInt(Integer::intValue).toArray();
    return new String(codePoints, 0, codePoints.length);
  }

  @Test
  void massIsComputedForThoseWhoAskOnly() throws Exception {
    BatchGate gate = harness.gate();
    List<ScoreRequest> requests =
        List.of(
            Harness.request("hold", "a").build(),
            Harness.request("plain", "b").build(),
            Harness.request("mass", "c").setLabelMass(true).build(),
            Harness.request("plain too", "d").build());
    Callers callers = new Callers(harness);
    callers.score(requests.get(0));
    gate.awaitBatch();
    requests.subList(1, 4).forEach(callers::score);
    harness.awaitReady(4);
    gate.open();
    List<ScoreResponse> responses = callers.join();
    for (int i = 0; i < 4; i++) {
      Harness.assertAnswers(requests.get(i), responses.get(i));
    }
    assertEquals(3, harness.engine.batches(), "the held one, the plain ones, the one with mass");
  }

  @Test
  void sixtyFourCallersGetTheirOwnAnswers() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    Callers callers = new Callers(harness);
    List<ScoreRequest> requests = new java.util.ArrayList<>();
    for (int i = 0; i < 64; i++) {
      requests.add(Harness.request("query " + i, 1 + random.nextInt(60)).build());
    }
    requests.forEach(callers::score);
    List<ScoreResponse> responses = callers.join();
    for (int i = 0; i < 64; i++) {
      Harness.assertAnswers(requests.get(i), responses.get(i));
    }
  }

  @Test
  void brokenRulesAreAllNamed() {
    ScoreRequest request =
        ScoreRequest.newBuilder().setQuery(" \t").setRequestId("x".repeat(300)).build();
    StatusRuntimeException e = harness.refused(request);
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("INVALID_REQUEST", Harness.reason(e));
    BadRequest bad = Harness.detail(e, BadRequest.class);
    assertEquals(
        List.of("query", "items", "request_id"),
        bad.getFieldViolationsList().stream().map(v -> v.getField()).toList());
    assertEquals("expected 1 to 1000 items, found 0", bad.getFieldViolations(1).getDescription());
  }

  @Test
  void tooLongAQueryIsRefusedByTheModel() {
    StatusRuntimeException e = harness.refused(Harness.request("z".repeat(41), "a").build());
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
    assertEquals("query", Harness.detail(e, BadRequest.class).getFieldViolations(0).getField());
  }

  @Test
  void unknownModelIsNotFound() {
    StatusRuntimeException e =
        harness.refused(Harness.request("tea", "a").setModel("other").build());
    assertEquals(Status.Code.NOT_FOUND, e.getStatus().getCode());
    assertEquals("UNKNOWN_MODEL", Harness.reason(e));
    ScoreRequest named = Harness.request("tea", "a").setModel("fake").build();
    Harness.assertAnswers(named, harness.stub().score(named));
  }

  @Test
  void getModelDescribesTheModel() {
    Model model = harness.stub().getModel(GetModelRequest.getDefaultInstance());
    assertEquals("fake", model.getVersion().getName());
    assertEquals(4, model.getLabelsCount());
    assertEquals(List.of("R", "r"), model.getLabels(1).getSurfaceFormsList());
    assertEquals(0.5, model.getTierRule().getThreshold());
    assertEquals(
        List.of(Tier.GOOD, Tier.GOOD, Tier.MID, Tier.BAD), model.getTierRule().getTiersList());
    assertEquals(1000, model.getLimits().getItems());
    assertEquals(4 << 20, model.getLimits().getRequestBytes());
    assertEquals(4096, model.getContextTokens());
    assertEquals("made up", model.getProvenanceOrThrow("note"));
    assertThrows(
        StatusRuntimeException.class,
        () -> harness.stub().getModel(GetModelRequest.newBuilder().setModel("x").build()));
  }
}
