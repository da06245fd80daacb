package dev.gavel.server.scheduling;

/**
 * How many rows per second the device gets through while it scores, rows found in the block cache
 * included, since calls are admitted by all their rows: a mean over recent batches in which each
 * older batch counts {@link #MEMORY} times the next. One thread records, any thread reads.
 */
final class RowRate {
  private static final double MEMORY = 0.9;

  private double rows;
  private double seconds;
  private volatile double perSecond;

  void record(long batchRows, double batchSeconds) {
    rows = rows * MEMORY + batchRows;
    seconds = seconds * MEMORY + batchSeconds;
    perSecond = seconds > 0 ? rows / seconds : 0;
  }

  /** Rows per second; 0 before the first batch. */
  double perSecond() {
    return perSecond;
  }

  /** Seconds that {@code moreRows} take; 0 if unknown. */
  double secondsFor(long moreRows) {
    double rate = perSecond;
    return rate > 0 ? moreRows / rate : 0;
  }
}
