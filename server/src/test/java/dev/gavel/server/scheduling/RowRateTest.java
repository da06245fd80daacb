package dev.gavel.server.scheduling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class RowRateTest {
  private final RowRate rate = new RowRate();
  private final FleetRate fleet = FleetRate.of(rate);

  @Test
  void unknownAtFirst() {
    assertEquals(0, rate.perSecond());
    assertEquals(0, fleet.secondsFor(100));
    assertEquals(0, fleet.cautiousSecondsFor(0, 100));
  }

  @Test
  void whatNeverVariesNeedsNoCaution() {
    for (int i = 0; i < 200; i++) {
      rate.record(100 + i, (100 + i) / 50.0);
    }
    assertEquals(50, rate.perSecond(), 1e-9);
    assertEquals(2, fleet.secondsFor(100), 1e-9);
    // The deviation assumed at first has decayed to 0.5 * 0.9^199, about 4e-10.
    assertEquals(2, fleet.cautiousSecondsFor(0, 100), 1e-6);
  }

  /** The time of a few batches to come stays below the cautious one at least 99 times of 100. */
  @Test
  void cautionCoversWhatVaries() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    int trials = 20_000;
    int late = 0;
    for (int i = 0; i < trials; i++) {
      double cautious = fleet.cautiousSecondsFor(0, 4 * 1000);
      double seconds = 0;
      for (int batch = 0; batch < 4; batch++) {
        double each = 2 * Math.max(0.1, 1 + 0.15 * random.nextGaussian());
        seconds += each;
        rate.record(1000, each);
      }
      late += i > 100 && seconds > cautious ? 1 : 0;
    }
    assertTrue(late <= trials / 100, late + " of " + trials + " were late");
  }

  /** One disturbed batch does not make the server refuse everything for good. */
  @Test
  void cautionIsBounded() {
    for (int i = 0; i < 50; i++) {
      rate.record(1000, 1);
    }
    rate.record(1000, 1000);
    assertTrue(fleet.cautiousSecondsFor(0, 1000) <= 4 * fleet.secondsFor(1000));
    for (int i = 0; i < 200; i++) {
      rate.record(1000, 1);
    }
    assertEquals(1, fleet.cautiousSecondsFor(0, 1000), 0.01);
  }
}
