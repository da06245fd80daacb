package dev.gavel.server;

import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Score calls on the way at the same time. */
final class Callers {
  private final RelevanceGrpc.RelevanceFutureStub stub;
  private final List<Future<ScoreResponse>> answers = new ArrayList<>();

  Callers(Harness harness) {
    stub = RelevanceGrpc.newFutureStub(harness.channel());
  }

  Future<ScoreResponse> score(ScoreRequest request) {
    Future<ScoreResponse> answer = stub.score(request);
    answers.add(answer);
    return answer;
  }

  /** All answers, in the order of the calls. */
  List<ScoreResponse> join() throws Exception {
    List<ScoreResponse> all = new ArrayList<>();
    for (Future<ScoreResponse> answer : answers) {
      all.add(answer.get(60, TimeUnit.SECONDS));
    }
    return all;
  }
}
