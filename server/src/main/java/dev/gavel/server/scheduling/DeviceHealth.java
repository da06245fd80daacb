package dev.gavel.server.scheduling;

import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether batches succeed. Belongs to the loop's thread. */
final class DeviceHealth {
  /** After so many failed batches in a row the device counts as broken. */
  private static final int FAILURES_MAX = 3;

  private static final Logger LOG = LoggerFactory.getLogger(DeviceHealth.class);

  private final Consumer<Boolean> onChange;
  private int failures;

  /**
   * @param onChange told false when batches keep failing, and true when one succeeds again
   */
  DeviceHealth(Consumer<Boolean> onChange) {
    this.onChange = onChange;
  }

  void failed() {
    failures++;
    if (failures == FAILURES_MAX) {
      LOG.error("{} batches failed in a row: not ready", failures);
      onChange.accept(false);
    }
  }

  void succeeded() {
    if (isBroken()) {
      LOG.info("a batch succeeded again: ready");
      onChange.accept(true);
    }
    failures = 0;
  }

  boolean isBroken() {
    return failures >= FAILURES_MAX;
  }
}
