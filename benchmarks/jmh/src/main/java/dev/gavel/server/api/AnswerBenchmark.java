package dev.gavel.server.api;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.scheduling.ScoreJob;
import dev.gavel.server.scheduling.StageSeconds;
import dev.gavel.v1.ScoreRequest;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
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

/** The answer for 48 items: from log-probabilities, or from the result cache, to bytes. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AnswerBenchmark {
  private static final StageSeconds STAGES = new StageSeconds(0.001, 0.1, 0.0001);
  private static final long RESULT_BYTES = 1 << 20;

  private RelevanceModel model;
  private ScoreRequest request;
  private ScoreItems computed;
  private Serving caching;

  @Setup
  public void open() {
    model = Requests.model();
    SplittableRandom random = new SplittableRandom(1);
    request = Requests.request(random);
    computed = computed(Requests.serving(model, 0), random);
    caching = Requests.serving(model, RESULT_BYTES);
    computed(caching, random).answer(0, STAGES);
  }

  private ScoreItems computed(Serving serving, SplittableRandom random) {
    ScoreItems items = new ScoreItems(serving, request);
    items.encode();
    items.work(Requests.CAPACITY);
    int labels = model.labels().size();
    float[][] logs = new float[Requests.ITEMS][labels];
    for (float[] row : logs) {
      for (int i = 0; i < labels; i++) {
        row[i] = (float) -random.nextDouble(0.1, 9);
      }
    }
    items.computed(new ScoreJob.Result(logs, new float[Requests.ITEMS], STAGES));
    return items;
  }

  @TearDown
  public void close() {
    model.close();
  }

  @Benchmark
  public byte[] computed() {
    return computed.answer(0, STAGES).toByteArray();
  }

  /** The look-up is part of it. */
  @Benchmark
  public byte[] cached() {
    return new ScoreItems(caching, request).answer(0, STAGES).toByteArray();
  }
}
