package dev.gavel.training.run;

import java.io.PrintStream;
import java.util.Locale;

/** Hears of every step. */
@FunctionalInterface
public interface Progress {
  /** Says nothing. */
  Progress SILENT = (metrics, total) -> {};

  /** After a step of {@code total}. */
  void step(StepMetrics metrics, int total);

  /** A bar that is drawn over itself, with the latest metrics. */
  static Progress bar(PrintStream out) {
    return (metrics, total) -> {
      int width = 30;
      int done = (int) ((long) width * metrics.step() / total);
      StringBuilder line = new StringBuilder("\r[");
      line.append("#".repeat(done)).append(".".repeat(width - done)).append("] ");
      line.append(metrics.step()).append('/').append(total);
      metrics
          .values()
          .forEach(
              (name, value) -> line.append(String.format(Locale.ROOT, " %s %.4g", name, value)));
      out.print(line);
      if (metrics.step() == total) {
        out.println();
      }
      out.flush();
    };
  }
}
