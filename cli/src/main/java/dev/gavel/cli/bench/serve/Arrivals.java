package dev.gavel.cli.bench.serve;

import java.util.SplittableRandom;

/** How the calls of a fixed rate follow each other. */
enum Arrivals {
  /** All gaps are the same. */
  EVEN {
    @Override
    double gap(SplittableRandom random) {
      return 1;
    }
  },
  /** Callers know nothing of each other: gaps are exponential. */
  POISSON {
    @Override
    double gap(SplittableRandom random) {
      return -Math.log1p(-random.nextDouble());
    }
  };

  /** The next gap, as a multiple of the mean one. */
  abstract double gap(SplittableRandom random);
}
