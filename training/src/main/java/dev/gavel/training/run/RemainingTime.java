package dev.gavel.training.run;

import java.util.Locale;
import java.util.function.LongSupplier;

/** How long a run will still take, by its pace since this object was made. */
final class RemainingTime {
  private final LongSupplier nanos;
  private long begun;
  private int firstStep = -1;

  RemainingTime(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** After a step; empty where the pace is not known yet. The first step also warms up. */
  String after(int step, int total) {
    long now = nanos.getAsLong();
    if (firstStep < 0) {
      firstStep = step;
      begun = now;
      return "";
    }
    double seconds = (now - begun) * 1e-9 / (step - firstStep) * (total - step);
    long rounded = Math.round(seconds);
    return rounded >= 3600
        ? String.format(
            Locale.ROOT, "%d:%02d:%02d", rounded / 3600, rounded / 60 % 60, rounded % 60)
        : String.format(Locale.ROOT, "%d:%02d", rounded / 60, rounded % 60);
  }
}
