package dev.gavel.training.run;

import java.io.PrintStream;
import java.util.Locale;
import java.util.function.LongSupplier;

/** One line that is drawn over itself: done, steps, loss, pairs per second, time left. */
final class ProgressBar implements Progress {
  private static final int WIDTH = 24;
  private static final String CLEAR = "\r\u001b[K";

  private final PrintStream out;
  private final RemainingTime remaining;

  ProgressBar(PrintStream out, LongSupplier nanos) {
    this.out = out;
    this.remaining = new RemainingTime(nanos);
  }

  @Override
  public void step(StepMetrics metrics, int total) {
    int done = (int) ((long) WIDTH * metrics.step() / total);
    StringBuilder line = new StringBuilder(CLEAR);
    line.append('[').append("#".repeat(done)).append(".".repeat(WIDTH - done)).append("] ");
    line.append(metrics.step()).append('/').append(total);
    append(line, metrics, "loss", " loss %.4f");
    append(line, metrics, "pairs_per_second", " %.1f pairs/s");
    String left = remaining.after(metrics.step(), total);
    if (!left.isEmpty()) {
      line.append(", ").append(left).append(" left");
    }
    out.print(line);
    if (metrics.step() == total) {
      out.println();
    }
    out.flush();
  }

  private static void append(StringBuilder line, StepMetrics metrics, String key, String format) {
    Double value = metrics.values().get(key);
    if (value != null) {
      line.append(String.format(Locale.ROOT, format, value));
    }
  }

  @Override
  public void note(String text) {
    out.println(CLEAR + text);
    out.flush();
  }
}
