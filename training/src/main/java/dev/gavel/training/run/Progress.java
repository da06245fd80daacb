package dev.gavel.training.run;

import java.io.PrintStream;

/** Hears of every step. */
@FunctionalInterface
public interface Progress {
  /** Says nothing. */
  Progress SILENT = (metrics, total) -> {};

  /** After a step of {@code total}. */
  void step(StepMetrics metrics, int total);

  /** What is done besides steps, in one line. */
  default void note(String line) {}

  /** A bar that is drawn over itself, with the latest metrics; for a terminal. */
  static Progress bar(PrintStream out) {
    return new ProgressBar(out, System::nanoTime);
  }

  /** A line after every {@code steps} steps and at the end; for a file. */
  static Progress lines(PrintStream out, int steps) {
    return new ProgressLines(out, steps, System::nanoTime);
  }
}
