package dev.gavel.cli.bench.serve;

import dev.gavel.cli.client.Sidecar;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * A run: warm-up, one call at a time, as much as the server takes, then each rate that was asked
 * for. Rates may be multiples of what the server took.
 */
final class ServeBench {
  /** A call that is not late after so many times the idle server's median is worth waiting for. */
  private static final int DEADLINE_MEDIANS = 4;

  private static final double DEADLINE_SECONDS_MIN = 0.05;

  /**
   * How to run.
   *
   * @param clients calls at once while the capacity is measured
   * @param rates calls per second
   * @param loads multiples of the measured capacity
   * @param deadline of calls at a fixed rate; zero: four times the idle median, at least 50 ms
   */
  record Plan(
      double warmUpSeconds,
      double seconds,
      int clients,
      List<Double> rates,
      List<Double> loads,
      Arrivals arrivals,
      Duration deadline) {}

  private final Sidecar sidecar;
  private final RequestShape shape;
  private final Plan plan;
  private final Consumer<String> progress;

  /**
   * @param progress told the name of each phase as it begins
   */
  ServeBench(Sidecar sidecar, RequestShape shape, Plan plan, Consumer<String> progress) {
    this.sidecar = sidecar;
    this.shape = shape;
    this.plan = plan;
    this.progress = progress;
  }

  ServeBenchResult run(long seed) throws InterruptedException {
    SplittableRandom random = new SplittableRandom(seed);
    TextLengths lengths = TextLengths.of(shape, sidecar, random.split());
    TextLengths.Tokens tokens = lengths.check(sidecar, random.split());
    LoadGenerator generator =
        new LoadGenerator(
            sidecar,
            new RequestMaker(shape, lengths, random.split()),
            plan.arrivals,
            random.split());
    if (plan.warmUpSeconds > 0) {
      run(generator, Phase.closed("warm-up", plan.clients, plan.warmUpSeconds));
    }
    List<PhaseResult> results = new ArrayList<>();
    PhaseResult idle = run(generator, Phase.closed("idle", 1, plan.seconds));
    results.add(idle);
    PhaseResult full = run(generator, Phase.closed("capacity", plan.clients, plan.seconds));
    results.add(full);
    for (Phase phase : fixedRates(deadline(idle), full.sustained())) {
      results.add(run(generator, phase));
    }
    return new ServeBenchResult(sidecar.model().getVersion(), shape, tokens, results, seed);
  }

  private PhaseResult run(LoadGenerator generator, Phase phase) throws InterruptedException {
    progress.accept(phase.name());
    return generator.run(phase);
  }

  private Duration deadline(PhaseResult idle) {
    if (!plan.deadline.isZero()) {
      return plan.deadline;
    }
    double median = idle.seconds(Tally.Time.LATENCY, 50);
    double seconds =
        Double.isNaN(median)
            ? DEADLINE_SECONDS_MIN
            : Math.max(DEADLINE_SECONDS_MIN, DEADLINE_MEDIANS * median);
    return Duration.ofNanos((long) (seconds * 1e9));
  }

  private List<Phase> fixedRates(Duration deadline, double capacity) {
    List<Phase> phases = new ArrayList<>();
    for (double rate : plan.rates) {
      phases.add(Phase.open(number(rate) + "/s", rate, plan.seconds, deadline));
    }
    for (double load : plan.loads) {
      if (capacity > 0) {
        phases.add(Phase.open("load " + number(load), load * capacity, plan.seconds, deadline));
      }
    }
    return phases;
  }

  private static String number(double value) {
    return value == Math.rint(value) ? String.valueOf((long) value) : String.valueOf(value);
  }
}
