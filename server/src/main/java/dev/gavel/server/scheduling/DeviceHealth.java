package dev.gavel.server.scheduling;

import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a device's batches succeed. After several failures in a row it is tried with one row: at
 * once, and while that fails, or calls fail again before one has succeeded, after pauses that
 * double. So a call that breaks batches costs little, and a device that fails quickly does not draw
 * calls to itself. Belongs to the loop's thread.
 */
final class DeviceHealth {
  /** After so many failed batches in a row the device has to prove itself. */
  private static final int FAILURES_MAX = 3;

  private static final long PAUSE_NANOS_MIN = TimeUnit.SECONDS.toNanos(1);
  private static final long PAUSE_NANOS_MAX = TimeUnit.SECONDS.toNanos(64);

  private static final Logger LOG = LoggerFactory.getLogger(DeviceHealth.class);

  private final String device;
  private int failures;
  private boolean doubtful;
  private long pauseNanos;
  private long trialAt;

  DeviceHealth(String device) {
    this.device = device;
  }

  /** A batch failed. */
  void failed(long now) {
    failures++;
    if (failures == FAILURES_MAX) {
      doubtful = true;
      LOG.error("{}: {} batches failed in a row", device, failures);
      pause(now);
    }
  }

  private void pause(long now) {
    trialAt = now + pauseNanos;
    pauseNanos = Math.min(PAUSE_NANOS_MAX, Math.max(PAUSE_NANOS_MIN, 2 * pauseNanos));
  }

  /** A batch of calls succeeded. */
  void succeeded() {
    failures = 0;
    pauseNanos = 0;
  }

  /** Whether the device has to prove itself before it gets calls. */
  boolean isDoubtful() {
    return doubtful;
  }

  /** Whether a doubtful device is to be tried now. */
  boolean isTrialDue(long now) {
    return doubtful && trialAt - now <= 0;
  }

  /** How the trial of a doubtful device ended. */
  void tried(boolean computed, long now) {
    if (computed) {
      LOG.info("{}: a row was computed again", device);
      doubtful = false;
      failures = 0;
    } else {
      pause(now);
    }
  }
}
