package dev.gavel.training.run;

import java.io.PrintStream;
import java.util.function.LongSupplier;

/** A line now and then. */
final class ProgressLines implements Progress {
  private final PrintStream out;
  private final int steps;
  private final RemainingTime remaining;

  ProgressLines(PrintStream out, int steps, LongSupplier nanos) {
    this.out = out;
    this.steps = steps;
    this.remaining = new RemainingTime(nanos);
  }

  @Override
  public void step(StepMetrics metrics, int total) {
    String left = remaining.after(metrics.step(), total);
    if (metrics.step() % steps == 0 || metrics.step() == total) {
      String time = left.isEmpty() ? "" : ", " + left + " left";
      out.println("of " + total + " steps, " + metrics.toText() + time);
    }
  }

  @Override
  public void note(String line) {
    out.println(line);
  }
}
