package dev.gavel.server.scheduling;

import dev.gavel.relevance.EncodedItem;
import dev.gavel.server.engine.Device;
import dev.gavel.server.observability.ServerStats;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A batch out of a queue of calls, each of 48 items of 64 tokens behind 96 tokens. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ComposeBenchmark {
  private static final int PREFIX = 96;
  private static final int ITEMS = 48;
  private static final int ITEM_TOKENS = 64;
  private static final int VOCABULARY = 49_152;

  /** Of each item, tokens that other queries share: none where the query comes first. */
  @Param({"0", "54"})
  int shared;

  @Param({"1", "64"})
  int calls;

  private Device device;
  private final ScoreQueue queue = new ScoreQueue();

  @Setup
  public void fill() {
    device = new Device(new NoEngine(1 << 12), List.of(List.of(new int[] {1})), true);
    ServerStats stats = new ServerStats();
    Admission admission =
        new Admission(
            new Admission.Bounds(1 << 20, 1L << 30, 1), FleetRate.of(new RowRate()), stats);
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < calls; i++) {
      Admission.Ticket ticket =
          admission.enterScore(new Admission.Entry(ITEMS, 0, Job.NO_DEADLINE));
      queue.add(new ScoreJob(work(random), Job.NO_DEADLINE, ticket, stats, null));
    }
  }

  private ScoreJob.Work work(SplittableRandom random) {
    List<EncodedItem> items = new ArrayList<>();
    for (int i = 0; i < ITEMS; i++) {
      items.add(new EncodedItem(tokens(ITEM_TOKENS, random), shared, 0, null));
    }
    return new ScoreJob.Work(tokens(PREFIX, random), items, false);
  }

  private static int[] tokens(int count, SplittableRandom random) {
    return random.ints(count, 0, VOCABULARY).toArray();
  }

  /** Composed, and given up without being computed: the queue is as it was. */
  @Benchmark
  public int compose() {
    try (BatchPlan plan = new BatchPlan(device)) {
      queue.fill(plan, true);
      return plan.rows();
    }
  }
}
