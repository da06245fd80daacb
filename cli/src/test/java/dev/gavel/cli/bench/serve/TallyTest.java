package dev.gavel.cli.bench.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.gavel.v1.ScoreResponse;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TallyTest {
  private static final long MILLI = 1_000_000;
  private static final double DIGITS = 1e-3; // the histogram keeps three digits
  private static final Phase OPEN = Phase.open("rate", 100, 1, java.time.Duration.ofMillis(50));

  private final Tally tally = new Tally();

  private static StatusRuntimeException status(Code code, String reason) {
    Status.Builder status = Status.newBuilder().setCode(code.getNumber());
    if (!reason.isEmpty()) {
      status.addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).build()));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  private static ScoreResponse answer(long prefill, long head, long queue) {
    ScoreResponse.Builder response = ScoreResponse.newBuilder();
    response
        .getTimesBuilder()
        .setPrefill(nanos(prefill))
        .setHead(nanos(head))
        .setQueue(nanos(queue));
    response.addItemsBuilder().setCached(true);
    response.addItemsBuilder().getStatusBuilder().setCode(Code.INVALID_ARGUMENT_VALUE);
    return response.build();
  }

  private static Duration nanos(long value) {
    return Duration.newBuilder().setNanos((int) value).build();
  }

  @Test
  void addedIsTheWholeLessTheEngine() {
    tally.answered(100, 100 + 50 * MILLI, answer(30 * MILLI, 5 * MILLI, 10 * MILLI));
    PhaseResult result = tally.result(OPEN, 0);
    assertEquals(0.050, result.seconds(Tally.Time.LATENCY, 50), 0.050 * DIGITS);
    assertEquals(0.015, result.seconds(Tally.Time.ADDED, 50), 0.015 * DIGITS);
    assertEquals(0.010, result.seconds(Tally.Time.QUEUE, 50), 0.010 * DIGITS);
    assertEquals(new PhaseResult.Counts(1, 0, 0, 0, 2, 1, 1), result.counts());
    assertTrue(Double.isNaN(result.seconds(Tally.Time.REFUSAL, 50)));
  }

  /** Nearest-rank percentiles of what was recorded, to the digits that the histogram keeps. */
  @Test
  void percentilesAreThoseOfTheTimes() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    long[] times = new long[1009];
    for (int i = 0; i < times.length; i++) {
      times[i] = (long) Math.exp(10 + 10 * random.nextDouble());
      tally.answered(0, times[i], answer(0, 0, 0));
    }
    Arrays.sort(times);
    PhaseResult result = tally.result(OPEN, 0);
    for (double percent : new double[] {50, 90, 99, 99.9, 100}) {
      double expected = times[(int) Math.ceil(percent / 100 * times.length) - 1] * 1e-9;
      assertEquals(expected, result.seconds(Tally.Time.LATENCY, percent), expected * DIGITS);
    }
  }

  @Test
  void refusedIsNotLateAndLateIsNotFailed() {
    tally.failed(0, 1 * MILLI, Outcome.of(status(Code.RESOURCE_EXHAUSTED, "QUEUE_FULL")));
    tally.failed(0, 2 * MILLI, Outcome.of(status(Code.DEADLINE_EXCEEDED, "DEADLINE_UNREACHABLE")));
    tally.failed(0, 50 * MILLI, Outcome.of(status(Code.DEADLINE_EXCEEDED, "DEADLINE_PASSED")));
    tally.failed(
        0,
        51 * MILLI,
        Outcome.of(io.grpc.Status.DEADLINE_EXCEEDED.withDescription("x").asRuntimeException()));
    tally.failed(0, 3 * MILLI, Outcome.of(status(Code.INTERNAL, "")));
    tally.answered(0, 4 * MILLI, answer(0, 0, 0));
    tally.answered(0, 100 * MILLI, answer(0, 0, 0));
    PhaseResult result = tally.result(OPEN, 0);
    assertEquals(new PhaseResult.Counts(2, 2, 2, 1, 4, 2, 2), result.counts());
    assertEquals(7, result.counts().calls());
    assertEquals(0.5, result.deadlineMet(), "two of the four accepted");
    assertEquals(0.002, result.seconds(Tally.Time.REFUSAL, 100), 0.002 * DIGITS);
    assertEquals(20, result.sustained(), 1e-9, "two in a tenth of a second");
    assertEquals(
        Map.of(
            "OK",
            2L,
            "RESOURCE_EXHAUSTED QUEUE_FULL",
            1L,
            "DEADLINE_EXCEEDED DEADLINE_UNREACHABLE",
            1L,
            "DEADLINE_EXCEEDED DEADLINE_PASSED",
            1L,
            "DEADLINE_EXCEEDED",
            1L,
            "INTERNAL",
            1L),
        result.outcomes());
  }

  @Test
  void aPhaseWithoutAcceptedCallsMissedNoDeadline() {
    PhaseResult result = tally.result(OPEN, 0);
    assertEquals(1, result.deadlineMet());
    assertEquals(0, result.sustained());
  }
}
