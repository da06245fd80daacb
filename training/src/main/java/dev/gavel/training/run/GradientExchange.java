package dev.gavel.training.run;

import dev.gavel.training.model.Parameters;
import java.util.List;

/**
 * What the workers of one run tell each other. Every call is made by all of them, in the same
 * order; each returns the same to all. A worker's gradients are those of its part of the step's
 * examples over the weight of the whole step, so that their sum is the gradient of the step.
 */
public interface GradientExchange extends AutoCloseable {
  /** One worker, who has nobody to talk to. */
  GradientExchange ALONE =
      new GradientExchange() {
        @Override
        public int rank() {
          return 0;
        }

        @Override
        public int workers() {
          return 1;
        }

        @Override
        public void sumGradients(Parameters parameters) {}

        @Override
        public double[] sum(double... values) {
          return values.clone();
        }

        @Override
        public List<String> gather(String value) {
          return List.of(value);
        }

        @Override
        public void close() {}
      };

  /** This worker, from 0; worker 0 alone writes. */
  int rank();

  /** Number of workers. */
  int workers();

  /** Makes every trainable parameter's gradient the sum of all workers'; none counts as zeros. */
  void sumGradients(Parameters parameters);

  /** Sums of values over the workers, one by one. */
  double[] sum(double... values);

  /** Every worker's text, by rank. */
  List<String> gather(String value);

  /** Returns when all have come here. */
  default void await() {
    sum(0);
  }

  /** Whether this worker writes checkpoints, metrics and reports. */
  default boolean writes() {
    return rank() == 0;
  }

  @Override
  void close();
}
