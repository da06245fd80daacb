package dev.gavel.server.api;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.scheduling.ScoreJob;
import dev.gavel.v1.ScoreRequest;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A request of 48 items from its message to tokens: prompt, tokenizer, cost. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class EncodeBenchmark {
  private static final int REQUESTS = 256;

  private RelevanceModel model;
  private Serving serving;
  private ScoreRequest[] requests;
  private int next;

  @Setup
  public void open() {
    model = Requests.model();
    serving = Requests.serving(model, 0);
    SplittableRandom random = new SplittableRandom(1);
    requests =
        Stream.generate(() -> Requests.request(random))
            .limit(REQUESTS)
            .toArray(ScoreRequest[]::new);
  }

  @TearDown
  public void close() {
    model.close();
  }

  /** Texts come again after 256 requests only. */
  @Benchmark
  public ScoreJob.Work encode() {
    ScoreItems items = new ScoreItems(serving, requests[next++ % REQUESTS]);
    items.encode();
    return items.work(Requests.CAPACITY);
  }

  /** The message itself, from its bytes. */
  @Benchmark
  public ScoreRequest parse() throws Exception {
    return ScoreRequest.parseFrom(requests[next++ % REQUESTS].toByteString());
  }
}
