package dev.gavel.cli.bench.serve;

import com.google.protobuf.Duration;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import dev.gavel.v1.StageTimes;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/**
 * What became of the calls of one phase. Times count from when a call should have been sent, so
 * that a server (or a sender) that is late counts for every call that had to wait, not for one. Any
 * thread.
 */
final class Tally {
  /** Times are kept to three digits, up to an hour. */
  private static final long NANOS_MAX = TimeUnit.HOURS.toNanos(1);

  private static final int DIGITS = 3;

  /** What is timed. */
  enum Time {
    /** From the intended start of an answered call to its answer. */
    LATENCY,
    /** The same less the server's own engine time. */
    ADDED,
    /** In which an answered call was tokenized. */
    TOKENIZE,
    /** In which an answered call waited for a batch. */
    QUEUE,
    /** From the intended start to the refusal. */
    REFUSAL,
    /** From the intended start to the real one: what the sender itself is late. */
    SEND_LAG
  }

  private final Histogram[] times = new Histogram[Time.values().length];
  private final Map<String, Long> outcomes = new TreeMap<>();
  private long answered;
  private long refused;
  private long late;
  private long failed;
  private long items;
  private long cachedItems;
  private long badItems;
  private long end;

  Tally() {
    for (int i = 0; i < times.length; i++) {
      times[i] = new Histogram(NANOS_MAX, DIGITS);
    }
  }

  private void time(Time what, long nanos) {
    times[what.ordinal()].recordValue(Math.max(0, Math.min(NANOS_MAX, nanos)));
  }

  synchronized void sent(long intended, long now) {
    time(Time.SEND_LAG, now - intended);
  }

  synchronized void answered(long intended, long now, ScoreResponse response) {
    ended(Outcome.OK, now);
    answered++;
    StageTimes stages = response.getTimes();
    long engine = nanos(stages.getPrefill()) + nanos(stages.getHead());
    time(Time.LATENCY, now - intended);
    time(Time.ADDED, now - intended - engine);
    time(Time.TOKENIZE, nanos(stages.getTokenize()));
    time(Time.QUEUE, nanos(stages.getQueue()));
    for (ScoredItem item : response.getItemsList()) {
      items++;
      cachedItems += item.getCached() ? 1 : 0;
      badItems += item.getStatus().getCode() == 0 ? 0 : 1;
    }
  }

  synchronized void failed(long intended, long now, Outcome outcome) {
    ended(outcome, now);
    if (outcome.isRefusal()) {
      refused++;
      time(Time.REFUSAL, now - intended);
    } else if (outcome.isLate()) {
      late++;
    } else {
      failed++;
    }
  }

  private void ended(Outcome outcome, long now) {
    outcomes.merge(outcome.toString(), 1L, Long::sum);
    end = end == 0 ? now : Math.max(end, now);
  }

  private static long nanos(Duration duration) {
    return TimeUnit.SECONDS.toNanos(duration.getSeconds()) + duration.getNanos();
  }

  /** What is known when all calls of the phase have ended; {@code start} is the phase's. */
  synchronized PhaseResult result(Phase phase, long start) {
    PhaseResult.Counts counts =
        new PhaseResult.Counts(answered, refused, late, failed, items, cachedItems, badItems);
    Histogram[] copies = new Histogram[times.length];
    for (int i = 0; i < copies.length; i++) {
      copies[i] = times[i].copy();
    }
    double seconds = end == 0 ? phase.seconds() : (end - start) * 1e-9;
    return new PhaseResult(phase, seconds, counts, new TreeMap<>(outcomes), copies);
  }
}
