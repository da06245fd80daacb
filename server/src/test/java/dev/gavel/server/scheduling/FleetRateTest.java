package dev.gavel.server.scheduling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class FleetRateTest {
  private final RowRate first = new RowRate();
  private final RowRate second = new RowRate();
  private boolean secondServes = true;
  private final FleetRate fleet =
      new FleetRate(
          List.of(
              new FleetRate.Member(first, () -> true),
              new FleetRate.Member(second, () -> secondServes)));

  /** So often that the deviation assumed at first has decayed to less than 1e-9. */
  private static void steady(RowRate rate, int rowsPerSecond) {
    for (int i = 0; i < 220; i++) {
      rate.record(rowsPerSecond, 1);
    }
  }

  @Test
  void capacityAddsUp() {
    assertEquals(0, fleet.secondsFor(100));
    steady(first, 100);
    assertEquals(1, fleet.secondsFor(200), 1e-9, "the second is taken for as fast as the first");
    steady(second, 300);
    assertEquals(1, fleet.secondsFor(400), 1e-9);
    secondServes = false;
    assertEquals(4, fleet.secondsFor(400), 1e-9);
  }

  /** What is queued is shared by all, the call itself is computed by one. */
  @Test
  void oneDeviceComputesACall() {
    steady(first, 100);
    steady(second, 100);
    assertEquals(1, fleet.cautiousSecondsFor(200, 0), 1e-6);
    assertEquals(2, fleet.cautiousSecondsFor(0, 200), 1e-6);
    secondServes = false;
    assertEquals(3, fleet.cautiousSecondsFor(200, 100), 1e-6);
  }

  @Test
  void servesWhileAnyDoes() {
    assertTrue(fleet.anyServes());
    secondServes = false;
    assertTrue(fleet.anyServes());
    assertFalse(
        new FleetRate(List.of(new FleetRate.Member(second, () -> secondServes))).anyServes());
  }
}
