package dev.gavel.training.run;

import java.io.IOException;

/** What trains a model, step by step. */
public interface Trainer extends AutoCloseable {
  /** Steps of the whole run. */
  int steps();

  /** Steps done so far. */
  int done();

  /**
   * Runs until as many steps are done; what has been done since the last checkpoint is in memory.
   */
  void run(int untilStep) throws IOException;

  /** Runs to the end. */
  default void run() throws IOException {
    run(steps());
  }

  @Override
  void close();
}
