package dev.gavel.server.scheduling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.observability.ServerStats.Gauge;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AdmissionTest {
  private final RowRate rate = new RowRate();
  private final ServerStats stats = new ServerStats();
  private final Admission admission =
      new Admission(new Admission.Bounds(10, 100, 4), FleetRate.of(rate), stats);

  private Admission.Ticket enter(int items) {
    return admission.enterScore(new Admission.Entry(items, 10L * items, Job.NO_DEADLINE));
  }

  private static Fault faultOf(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(FaultException.class, call).fault();
  }

  @Test
  void bounds() {
    Admission.Ticket first = enter(9);
    assertEquals(Fault.QUEUE_FULL, faultOf(() -> enter(2)));
    Admission.Ticket second = enter(1);
    first.admit(90, Job.NO_DEADLINE);
    assertEquals(Fault.QUEUE_FULL, faultOf(() -> second.admit(11, Job.NO_DEADLINE)));
    second.admit(10, Job.NO_DEADLINE);
    first.computed(9, 90);
    assertEquals(10, stats.get(Gauge.QUEUED_TOKENS));
    first.close();
    first.close();
    second.close();
    assertEquals(0, stats.get(Gauge.QUEUED_ITEMS));
    assertEquals(0, stats.get(Gauge.QUEUED_TOKENS));
  }

  @Test
  void idleServerTakesOneCallOfAnySize() {
    try (Admission.Ticket huge = enter(1000)) {
      huge.admit(1_000_000, Job.NO_DEADLINE);
      assertEquals(Fault.QUEUE_FULL, faultOf(() -> enter(1)));
    }
    try (Admission.Ticket paths = admission.enterExplain(16)) {
      assertEquals(Fault.EXPLAIN_QUEUE_FULL, faultOf(() -> admission.enterExplain(1)));
      for (int i = 0; i < 13; i++) {
        paths.pathEnded();
      }
      admission.enterExplain(1).close();
    }
    assertEquals(0, stats.get(Gauge.EXPLAIN_PATHS));
  }

  @Test
  void deadlinesAgainstTheMeasuredRate() {
    Admission.Ticket ahead = enter(1);
    ahead.admit(50, Job.NO_DEADLINE);
    Admission.Ticket call = enter(1);
    long hour = System.nanoTime() + 3_600_000_000_000L;
    call.admit(10, hour); // the rate is unknown: nobody can tell
    rate.record(1, 1000);
    assertEquals(Fault.DEADLINE_UNREACHABLE, faultOf(() -> call.admit(10, hour)));
    assertEquals(Fault.DEADLINE_PASSED, faultOf(() -> call.admit(1, System.nanoTime() - 1)));
    ahead.close();
    call.close();
    try (Admission.Ticket alone = enter(1)) {
      alone.admit(90, hour); // nothing ahead: never refused
    }
  }

  /** The cost of a call is guessed from its bytes, at the rows per byte of those before it. */
  @Test
  void aLargeCallIsRefusedBeforeItIsTokenized() {
    rate.record(1000, 1000);
    rate.record(1000, 1000);
    Admission.Ticket ahead = admission.enterScore(new Admission.Entry(1, 100, Job.NO_DEADLINE));
    ahead.admit(10, Job.NO_DEADLINE);
    long inMinutes = System.nanoTime() + 120_000_000_000L;
    admission.enterScore(new Admission.Entry(1, 100, inMinutes)).close(); // 10 + 10 rows
    FaultException e =
        assertThrows(
            FaultException.class,
            () -> admission.enterScore(new Admission.Entry(1, 2000, inMinutes))); // 10 + 200
    assertEquals(Fault.DEADLINE_UNREACHABLE, e.fault());
    assertTrue(e.getMessage().contains("the call's 200"), e.getMessage());
    assertEquals(1, stats.get(Gauge.QUEUED_ITEMS));
    ahead.close();
    admission.enterScore(new Admission.Entry(1, 2000, inMinutes)).close(); // idle: never refused
    assertEquals(
        Fault.DEADLINE_PASSED,
        faultOf(() -> admission.enterScore(new Admission.Entry(1, 1, System.nanoTime() - 1))));
  }

  @Test
  void retryDelayFollowsTheQueue() {
    rate.record(100, 10);
    try (Admission.Ticket ahead = enter(10)) {
      ahead.admit(100, Job.NO_DEADLINE);
      FaultException e = assertThrows(FaultException.class, () -> enter(1));
      assertEquals(10_000, e.retryMillis(), 1, "100 rows at 10 a second");
    }
  }

  @Test
  void anyOrderOfEventsEndsAtZero() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    List<Admission.Ticket> open = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      try {
        Admission.Ticket ticket =
            random.nextBoolean() ? enter(1 + random.nextInt(5)) : admission.enterExplain(1);
        open.add(ticket);
        ticket.admit(1 + random.nextInt(30), Job.NO_DEADLINE);
      } catch (FaultException e) {
        assertTrue(e.retryMillis() > 0);
      }
      if (!open.isEmpty()) {
        Admission.Ticket ticket = open.get(random.nextInt(open.size()));
        ticket.computed(random.nextInt(9), random.nextInt(40));
        ticket.pathEnded();
      }
      if (open.size() > 5) {
        open.remove(random.nextInt(open.size())).close();
      }
      assertTrue(stats.get(Gauge.QUEUED_ITEMS) >= 0 && stats.get(Gauge.QUEUED_ITEMS) <= 10);
      assertTrue(stats.get(Gauge.QUEUED_TOKENS) <= 100);
    }
    open.forEach(Admission.Ticket::close);
    for (Gauge gauge : List.of(Gauge.QUEUED_ITEMS, Gauge.QUEUED_TOKENS, Gauge.EXPLAIN_PATHS)) {
      assertEquals(0, stats.get(gauge));
    }
  }
}
