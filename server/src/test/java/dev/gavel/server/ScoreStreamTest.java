package dev.gavel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.server.fake.BatchGate;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.observability.ServerStats.Gauge;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ScoreStreamTest {
  /** A stream that reads one answer at a time, when told to. */
  private static final class Stream implements ClientResponseObserver<ScoreRequest, ScoreResponse> {
    final BlockingQueue<ScoreResponse> answers = new LinkedBlockingQueue<>();
    final CompletableFuture<Void> end = new CompletableFuture<>();
    private ClientCallStreamObserver<ScoreRequest> requests;

    static Stream open(Harness harness) {
      Stream stream = new Stream();
      RelevanceGrpc.newStub(harness.channel()).scoreStream(stream);
      return stream;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<ScoreRequest> observer) {
      requests = observer;
      observer.disableAutoRequestWithInitial(0);
    }

    @Override
    public void onNext(ScoreResponse response) {
      answers.add(response);
    }

    @Override
    public void onError(Throwable thrown) {
      end.completeExceptionally(thrown);
    }

    @Override
    public void onCompleted() {
      end.complete(null);
    }

    void send(ScoreRequest request) {
      requests.onNext(request);
    }

    ScoreResponse next() throws InterruptedException {
      requests.request(1);
      ScoreResponse answer = answers.poll(30, TimeUnit.SECONDS);
      if (answer == null) {
        throw new AssertionError("expected an answer, found none in 30 s");
      }
      return answer;
    }

    void finish() throws Exception {
      requests.onCompleted();
      requests.request(1);
      end.get(30, TimeUnit.SECONDS);
    }
  }

  private static ScoreRequest request(int number, int items) {
    return Harness.request("query " + number, items).setRequestId("r" + number).build();
  }

  @Test
  void everyAnswerMatchesItsRequest() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      Stream stream = Stream.open(harness);
      Map<String, ScoreRequest> sent = new HashMap<>();
      for (int i = 0; i < 207; i++) {
        ScoreRequest request = request(i, 1 + i % 13);
        sent.put(request.getRequestId(), request);
        stream.send(request);
      }
      for (int i = 0; i < 207; i++) {
        ScoreResponse answer = stream.next();
        Harness.assertAnswers(sent.remove(answer.getRequestId()), answer);
      }
      stream.finish();
      assertTrue(sent.isEmpty());
    }
  }

  @Test
  void answersComeAsTheyFinish() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      Stream stream = Stream.open(harness);
      stream.send(request(0, 1000));
      gate.awaitBatch();
      stream.send(request(1, 1));
      harness.awaitReady(2);
      gate.open();
      assertEquals("r1", stream.next().getRequestId());
      assertEquals("r0", stream.next().getRequestId());
      stream.finish();
    }
  }

  @Test
  void failedRequestsAnswerAndTheStreamGoesOn() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      Stream stream = Stream.open(harness);
      stream.send(ScoreRequest.newBuilder().setRequestId("empty").build());
      ScoreResponse answer = stream.next();
      assertEquals("empty", answer.getRequestId());
      assertEquals(3, answer.getStatus().getCode());
      assertEquals(0, answer.getItemsCount());
      stream.send(Harness.request("no id", "a").build());
      answer = stream.next();
      assertEquals(3, answer.getStatus().getCode());
      stream.send(Harness.request("q", "a").setRequestId("other").setModel("other").build());
      assertEquals(5, stream.next().getStatus().getCode());
      ScoreRequest good = request(7, 13);
      stream.send(good);
      answer = stream.next();
      Harness.assertAnswers(good, answer);
      assertEquals(false, answer.hasStatus());
      stream.finish();
    }
  }

  @Test
  void idsAreUniqueInFlight() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      Stream stream = Stream.open(harness);
      stream.send(request(1, 1));
      gate.awaitBatch();
      stream.send(request(1, 2));
      assertEquals(3, stream.next().getStatus().getCode());
      gate.open();
      Harness.assertAnswers(request(1, 1), stream.next());
      stream.send(request(1, 3)); // answered before, so free again
      Harness.assertAnswers(request(1, 3), stream.next());
      stream.finish();
    }
  }

  @Test
  void neitherSideIsFlooded() throws Exception {
    ServerConfig config = Harness.config().withLimits(Harness.limits(8192, 1 << 20, 4, 8, 4));
    try (Harness harness = Harness.with(config)) {
      BatchGate gate = harness.gate();
      Stream stream = Stream.open(harness);
      for (int i = 0; i < 100; i++) {
        stream.send(request(i, 1));
      }
      gate.awaitBatch();
      harness.awaitReady(4);
      assertEquals(4, harness.server.stats().get(Counter.SCORE_REQUESTS));
      assertEquals(4, harness.gauge(Gauge.RUNNING_REQUESTS));
      gate.open();
      // The caller reads nothing: what was taken is answered, and nothing more is taken.
      Harness.eventually("answered", () -> harness.gauge(Gauge.RUNNING_REQUESTS) == 0);
      assertEquals(4, harness.server.stats().get(Counter.SCORE_REQUESTS));
      for (int i = 0; i < 100; i++) {
        stream.next();
      }
      stream.finish();
    }
  }

  @Test
  void cancelledStreamStopsItsWork() throws Exception {
    try (Harness harness = Harness.inProcess()) {
      BatchGate gate = harness.gate();
      Stream stream = Stream.open(harness);
      for (int i = 0; i < 5; i++) {
        stream.send(request(i, 207));
      }
      gate.awaitBatch();
      Harness.eventually("taken", () -> harness.gauge(Gauge.RUNNING_REQUESTS) == 5);
      stream.requests.cancel("enough", null);
      harness.awaitIdle();
      assertEquals(0, harness.engine.rows());
      gate.open();
    }
  }
}
