package dev.gavel.cli;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Final;
import dev.gavel.v1.FinishReason;
import dev.gavel.v1.GetModelRequest;
import dev.gavel.v1.Item;
import dev.gavel.v1.LabelProbability;
import dev.gavel.v1.LabelTokens;
import dev.gavel.v1.Limits;
import dev.gavel.v1.Model;
import dev.gavel.v1.ModelVersion;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.SampleEnd;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import dev.gavel.v1.Tier;
import dev.gavel.v1.Token;
import dev.gavel.v1.TokenSequence;
import dev.gavel.v1.Verdict;
import io.grpc.Server;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;

/**
 * The wire's contract without a model: the label of an item is told by its length. Queries {@code
 * full}, {@code bad} and {@code broken} fail with the status of their name; an item of blanks has
 * none.
 */
final class FakeSidecar extends RelevanceGrpc.RelevanceImplBase implements AutoCloseable {
  static final List<String> LABELS =
      List.of("4-Excellent", "3-Related", "2-Mismatch", "1-Irrelevant");
  static final int ITEMS_MAX = 13;
  private static final ModelVersion VERSION =
      ModelVersion.newBuilder()
          .setName("fake")
          .setVersion("v1")
          .setQuantization("fp32")
          .setDevice("cpu")
          .build();

  final List<ScoreRequest> scored = Collections.synchronizedList(new ArrayList<>());
  final List<ExplainRequest> explained = Collections.synchronizedList(new ArrayList<>());
  final HealthStatusManager health = new HealthStatusManager();
  private final String name = UUID.randomUUID().toString();
  private final Server server;

  FakeSidecar() throws IOException {
    server =
        InProcessServerBuilder.forName(name)
            .addService(this)
            .addService(health.getHealthService())
            .build()
            .start();
  }

  String target() {
    return "inprocess:" + name;
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  @Override
  public void getModel(GetModelRequest request, StreamObserver<Model> answers) {
    answers.onNext(
        Model.newBuilder()
            .setVersion(VERSION)
            .setLimits(Limits.newBuilder().setItems(ITEMS_MAX))
            .build());
    answers.onCompleted();
  }

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> answers) {
    scored.add(request);
    if (fails(request.getQuery(), answers)) {
      return;
    }
    ScoreResponse.Builder response = ScoreResponse.newBuilder().setModel(VERSION);
    response.getTimesBuilder().setPrefill(Duration.newBuilder().setNanos(600_000_000));
    for (Item item : request.getItemsList()) {
      response.addItems(item(item, request.getTokens()));
    }
    if (request.getTokens()) {
      response.addPrefixTokens(1).addPrefixTokens(2);
      for (String label : LABELS) {
        response.addLabelTokens(
            LabelTokens.newBuilder()
                .setLabel(label)
                .addForms(TokenSequence.newBuilder().addTokens(label.charAt(0)))
                .addForms(TokenSequence.newBuilder().addTokens(9).addTokens(label.charAt(0))));
      }
    }
    answers.onNext(response.build());
    answers.onCompleted();
  }

  private static boolean fails(String query, StreamObserver<?> answers) {
    Status.Builder status = Status.newBuilder();
    switch (query) {
      case "full" ->
          status
              .setCode(Code.RESOURCE_EXHAUSTED_VALUE)
              .setMessage("queue: expected room for 1 item, found 0")
              .addDetails(
                  Any.pack(
                      RetryInfo.newBuilder()
                          .setRetryDelay(Duration.newBuilder().setNanos(250_000_000))
                          .build()));
      case "bad" ->
          status
              .setCode(Code.INVALID_ARGUMENT_VALUE)
              .setMessage("request breaks a rule")
              .addDetails(
                  Any.pack(
                      BadRequest.newBuilder()
                          .addFieldViolations(
                              BadRequest.FieldViolation.newBuilder()
                                  .setField("items[0].title")
                                  .setDescription("expected a text,\nfound none"))
                          .build()));
      case "broken" -> status.setCode(Code.INTERNAL_VALUE).setMessage("engine: out of luck");
      default -> {
        return false;
      }
    }
    answers.onError(StatusProto.toStatusRuntimeException(status.build()));
    return true;
  }

  private static ScoredItem item(Item item, boolean tokens) {
    String text = item.getText() + item.getTitle();
    ScoredItem.Builder scored = ScoredItem.newBuilder().setId(item.getId());
    if (text.isBlank()) {
      return scored
          .setStatus(
              Status.newBuilder()
                  .setCode(Code.INVALID_ARGUMENT_VALUE)
                  .setMessage("expected a text, found blanks"))
          .build();
    }
    int best = text.length() % LABELS.size();
    double grade = 0;
    for (int label = 0; label < LABELS.size(); label++) {
      double probability = label == best ? 0.7 : 0.1;
      grade += (4 - label) * probability;
      scored.addDistribution(
          LabelProbability.newBuilder()
              .setLabel(LABELS.get(label))
              .setProbability(probability)
              .setLogProbability(Math.log(probability))
              .setGrade(4 - label));
    }
    if (tokens) {
      scored.addSuffixTokens(text.length());
    }
    return scored
        .setLabel(LABELS.get(best))
        .setTier(best < 2 ? Tier.GOOD : best == 2 ? Tier.MID : Tier.BAD)
        .setExpectedGrade(grade)
        .build();
  }

  /** The paths' tokens come interleaved, the last path first. */
  @Override
  public void explain(ExplainRequest request, StreamObserver<ExplainEvent> answers) {
    explained.add(request);
    if (fails(request.getQuery(), answers)) {
      return;
    }
    ScoredItem item = item(request.getItem(), true);
    answers.onNext(
        ExplainEvent.newBuilder()
            .setVerdict(
                Verdict.newBuilder()
                    .setItem(item)
                    .setModel(VERSION)
                    .addPrefixTokens(5)
                    .addAnswerTokens(8)
                    .addAnswerTokens(13))
            .build());
    String[] words = {"because ", "it ", "fits\u001b[2J"};
    for (int word = 0; word < words.length; word++) {
      for (int path = request.getSamples() - 1; path >= 0; path--) {
        Token token =
            Token.newBuilder().setId(word).setText(words[word]).setLogProbability(-0.5).build();
        answers.onNext(ExplainEvent.newBuilder().setSample(path).setToken(token).build());
      }
    }
    for (int path = request.getSamples() - 1; path >= 0; path--) {
      answers.onNext(
          ExplainEvent.newBuilder()
              .setSample(path)
              .setSampleEnd(
                  SampleEnd.newBuilder().setFinishReason(FinishReason.END_OF_TEXT).setTokens(3))
              .build());
    }
    answers.onNext(
        ExplainEvent.newBuilder()
            .setFinal(
                Final.newBuilder()
                    .setFinishReason(FinishReason.END_OF_TEXT)
                    .setPromptTokens(10)
                    .setGeneratedTokens(3 * request.getSamples())
                    .setSeed(-1L)
                    .setDecode(Duration.newBuilder().setSeconds(1))
                    .setItem(item))
            .build());
    answers.onCompleted();
  }
}
