package dev.gavel.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Any;
import com.google.rpc.RetryInfo;
import dev.gavel.v1.Item;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SafeRankerTest {
  private final String name = UUID.randomUUID().toString();
  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicLong clock = new AtomicLong(-5);
  private volatile com.google.rpc.Status failure;
  private volatile boolean silent;
  private Server server;
  private ManagedChannel channel;

  /** An item's text is its grade; no text, no judgment. */
  private final class Fake extends RelevanceGrpc.RelevanceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> answers) {
      calls.incrementAndGet();
      if (silent) {
        return;
      }
      if (failure != null) {
        answers.onError(StatusProto.toStatusRuntimeException(failure));
        return;
      }
      answers.onNext(answer(request));
      answers.onCompleted();
    }

    @Override
    public StreamObserver<ScoreRequest> scoreStream(StreamObserver<ScoreResponse> answers) {
      return new StreamObserver<>() {
        @Override
        public void onNext(ScoreRequest request) {
          answers.onNext(answer(request));
        }

        @Override
        public void onError(Throwable problem) {}

        @Override
        public void onCompleted() {
          answers.onCompleted();
        }
      };
    }

    private ScoreResponse answer(ScoreRequest request) {
      ScoreResponse.Builder response =
          ScoreResponse.newBuilder().setRequestId(request.getRequestId());
      for (Item item : request.getItemsList()) {
        ScoredItem.Builder scored = response.addItemsBuilder();
        if (item.getText().isEmpty()) {
          scored.getStatusBuilder().setCode(Status.Code.INVALID_ARGUMENT.value());
        } else {
          scored.setExpectedGrade(Double.parseDouble(item.getText()));
        }
      }
      return response.build();
    }
  }

  @BeforeEach
  void start() throws IOException {
    server = InProcessServerBuilder.forName(name).addService(new Fake()).build().start();
    channel = InProcessChannelBuilder.forName(name).build();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  private SafeRanker ranker(Duration deadline) {
    return new SafeRanker(channel, deadline, clock::get);
  }

  private static List<Item> hits(String... grades) {
    List<Item> hits = new ArrayList<>();
    for (String grade : grades) {
      hits.add(Item.newBuilder().setId("" + (char) ('a' + hits.size())).setText(grade).build());
    }
    return hits;
  }

  private static String ids(List<Item> hits) {
    return hits.stream().map(Item::getId).collect(Collectors.joining());
  }

  @Test
  void ranksByGradeAndLeavesTheUnjudgedInPlace() {
    SafeRanker ranker = ranker(Duration.ofMinutes(1));
    assertEquals("cab", ids(ranker.rank("q", hits("2", "1", "3.5"))));
    assertEquals("dbac", ids(ranker.rank("q", hits("2", "", "1", "4"))));
    assertEquals("abc", ids(ranker.rank("q", hits("2", "2", "2"))), "ties stay");
    assertEquals("", ids(ranker.rank("q", List.of())));
  }

  @Test
  void aFullQueueIsLeftAloneForAsLongAsItAsks() {
    SafeRanker ranker = ranker(Duration.ofMinutes(1));
    RetryInfo.Builder retry = RetryInfo.newBuilder();
    retry.getRetryDelayBuilder().setSeconds(2);
    failure =
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
            .addDetails(Any.pack(retry.build()))
            .build();
    assertEquals("ab", ids(ranker.rank("q", hits("1", "2"))));
    failure = null;
    clock.addAndGet(TimeUnit.SECONDS.toNanos(2) - 1);
    assertEquals("ab", ids(ranker.rank("q", hits("1", "2"))));
    assertEquals(1, calls.get(), "not called while it asked to be left alone");
    clock.incrementAndGet();
    assertEquals("ba", ids(ranker.rank("q", hits("1", "2"))));
  }

  @Test
  void aLateOrBrokenOrAbsentSidecarCostsTheOrderOnly() {
    failure = com.google.rpc.Status.newBuilder().setCode(Status.Code.INTERNAL.value()).build();
    SafeRanker ranker = ranker(Duration.ofMinutes(1));
    assertEquals("ab", ids(ranker.rank("q", hits("1", "2"))));
    assertEquals("ab", ids(ranker.rank("q", hits("1", "2"))));
    assertEquals(2, calls.get());
    silent = true;
    assertEquals("ab", ids(ranker(Duration.ofMillis(1)).rank("q", hits("1", "2"))));
    server.shutdownNow();
    assertEquals("ab", ids(ranker.rank("q", hits("1", "2"))));
  }

  @Test
  void bulkAnswersEveryRequest() throws Exception {
    int requests = 207;
    Iterator<ScoreRequest> source =
        IntStream.range(0, requests)
            .mapToObj(i -> ScoreRequest.newBuilder().setRequestId("" + i).build())
            .iterator();
    List<Integer> answered = new ArrayList<>();
    BulkExample.score(
            RelevanceGrpc.newStub(channel),
            source,
            response -> answered.add(Integer.parseInt(response.getRequestId())))
        .get(1, TimeUnit.MINUTES);
    assertEquals(
        IntStream.range(0, requests).boxed().toList(), answered.stream().sorted().toList());
  }

  @Test
  void anUnjudgedItemSaysWhy() {
    ScoredItem.Builder item = ScoredItem.newBuilder().setId("x");
    item.getStatusBuilder().setCode(3).setMessage("expected a text, found none");
    assertEquals("x  no judgment: expected a text, found none", ScoreExample.line(item.build()));
  }
}
