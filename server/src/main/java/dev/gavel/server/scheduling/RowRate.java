package dev.gavel.server.scheduling;

/**
 * How many rows per second the device gets through while it scores, rows found in the block cache
 * included, since calls are admitted by all their rows: a mean over recent batches in which each
 * older batch counts {@link #MEMORY} times the next; and how far batches are from that mean. One
 * thread records, any thread reads.
 */
final class RowRate {
  private static final double MEMORY = 0.9;

  /** Nothing is known of the deviation before the second batch. */
  private static final double FIRST_DEVIATION = 0.5;

  /**
   * Mean absolute deviations within which nearly all is done: were batches normally distributed, 3
   * of them would be 2.4 standard deviations, which 99% stay below.
   */
  static final double DEVIATIONS = 3;

  private static final double DEVIATION_MAX = 1;

  /**
   * What is known; replaced as a whole.
   *
   * @param deviation relative
   */
  record Known(double perSecond, double deviation) {}

  private double rows;
  private double seconds;
  private double deviations; // relative, weighted by rows
  private volatile Known known = new Known(0, 0);

  void record(long batchRows, double batchSeconds) {
    if (batchRows <= 0 || batchSeconds <= 0) {
      return;
    }
    double deviation =
        rows == 0 ? FIRST_DEVIATION : Math.abs(batchSeconds * rows / (batchRows * seconds) - 1);
    rows = rows * MEMORY + batchRows;
    seconds = seconds * MEMORY + batchSeconds;
    deviations = deviations * MEMORY + batchRows * Math.min(DEVIATION_MAX, deviation);
    known = new Known(rows / seconds, deviations / rows);
  }

  Known known() {
    return known;
  }

  /** Rows per second; 0 before the first batch. */
  double perSecond() {
    return known.perSecond;
  }
}
