package dev.gavel.examples;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.RetryInfo;
import dev.gavel.v1.Item;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Reranks by expected grade and never takes search down: whatever happens to the sidecar, the
 * answer is a complete list, at worst in the search engine's own order. After RESOURCE_EXHAUSTED or
 * UNAVAILABLE the sidecar is left alone for as long as its RetryInfo asks. Thread-safe.
 *
 * <pre>java ... dev.gavel.examples.SafeRanker unix:/run/gavel/gavel.sock</pre>
 */
public final class SafeRanker {
  private static final Duration DEFAULT_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private final RelevanceGrpc.RelevanceBlockingStub stub;
  private final Duration deadline;
  private final LongSupplier nanoTime;
  private final AtomicLong callAgainAt;

  public SafeRanker(Channel channel, Duration deadline) {
    this(channel, deadline, System::nanoTime);
  }

  SafeRanker(Channel channel, Duration deadline, LongSupplier nanoTime) {
    this.stub = RelevanceGrpc.newBlockingStub(channel);
    this.deadline = deadline;
    this.nanoTime = nanoTime;
    this.callAgainAt = new AtomicLong(nanoTime.getAsLong());
  }

  public static void main(String[] args) {
    List<Item> hits =
        List.of(
            Item.newBuilder().setId("1").setText("Beeswax leather care cream").build(),
            Item.newBuilder().setId("2").setText("Men's hiking boots, recycled mesh").build());
    try (Connection connection = Connection.open(args[0])) {
      SafeRanker ranker = new SafeRanker(connection.channel(), Duration.ofMillis(300));
      ranker.rank("hiking boots not leather", hits).forEach(hit -> System.out.println(hit.getId()));
    }
  }

  /**
   * Orders hits, best first.
   *
   * @param hits in the search engine's order
   */
  public List<Item> rank(String query, List<Item> hits) {
    if (hits.isEmpty() || nanoTime.getAsLong() - callAgainAt.get() < 0) {
      return hits;
    }
    try {
      ScoreResponse response =
          stub.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS)
              .score(ScoreRequest.newBuilder().setQuery(query).addAllItems(hits).build());
      return byGrade(hits, response);
    } catch (StatusRuntimeException e) {
      leaveAlone(e);
      return hits;
    }
  }

  /** Judged hits by grade, equal ones as they were; a hit without a judgment keeps its place. */
  private static List<Item> byGrade(List<Item> hits, ScoreResponse response) {
    if (response.getItemsCount() != hits.size()) {
      return hits;
    }
    List<Integer> judged = new ArrayList<>();
    for (int i = 0; i < hits.size(); i++) {
      if (response.getItems(i).getStatus().getCode() == com.google.rpc.Code.OK_VALUE) {
        judged.add(i);
      }
    }
    List<Integer> ranked = new ArrayList<>(judged);
    ranked.sort(Comparator.comparingDouble((Integer i) -> grade(response.getItems(i))).reversed());
    List<Item> result = new ArrayList<>(hits);
    for (int place = 0; place < judged.size(); place++) {
      result.set(judged.get(place), hits.get(ranked.get(place)));
    }
    return result;
  }

  private static double grade(ScoredItem item) {
    return item.getExpectedGrade();
  }

  /** A deadline is one slow call; a full queue or a server that is away concerns the next calls. */
  private void leaveAlone(StatusRuntimeException e) {
    Status.Code code = e.getStatus().getCode();
    if (code == Status.Code.RESOURCE_EXHAUSTED || code == Status.Code.UNAVAILABLE) {
      Duration pause = retryDelay(e);
      callAgainAt.set(nanoTime.getAsLong() + pause.toNanos());
    }
  }

  /** What the server asks for, within reason. */
  static Duration retryDelay(StatusRuntimeException e) {
    com.google.rpc.Status details = StatusProto.fromThrowable(e);
    if (details != null) {
      for (Any detail : details.getDetailsList()) {
        if (detail.is(RetryInfo.class)) {
          try {
            var delay = detail.unpack(RetryInfo.class).getRetryDelay();
            Duration pause = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
            return pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
          } catch (InvalidProtocolBufferException ignored) {
            return DEFAULT_PAUSE;
          }
        }
      }
    }
    return DEFAULT_PAUSE;
  }
}
