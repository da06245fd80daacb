package dev.gavel.cli.bench;

import dev.gavel.training.loss.SftLoss;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.Gradients;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.run.AdamWOptimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Times optimizer steps on sequences of random tokens with one target each. */
final class TrainBench {
  private static final double RATE = 1e-5;

  /**
   * Lengths of a step's sequences.
   *
   * @param shortest tokens, at least 1
   * @param longest tokens
   */
  record Batch(int sequences, int shortest, int longest) {
    Batch {
      if (sequences < 1 || shortest < 1 || longest < shortest) {
        throw new IllegalArgumentException(
            String.format(
                "expected at least 1 sequence and 1 <= shortest <= longest, found %d, %d and %d",
                sequences, shortest, longest));
      }
    }

    /** Spread evenly, and other ones every step, as in training. */
    int length(int step, int sequence) {
      return shortest + (13 * sequence + 7 * step) % (longest - shortest + 1);
    }
  }

  /**
   * What was measured.
   *
   * @param seconds of each timed step
   * @param cpuSeconds of all threads of the process, for machines that others use too
   * @param tokens of each timed step
   * @param loss of the last one
   */
  record Timing(double[] seconds, double[] cpuSeconds, long[] tokens, double loss) {
    double tokensPerSecond() {
      return rate(seconds);
    }

    double tokensPerCpuSecond() {
      return rate(cpuSeconds);
    }

    private double rate(double[] times) {
      double[] rates = new double[times.length];
      for (int i = 0; i < rates.length; i++) {
        rates[i] = tokens[i] / times[i];
      }
      return new Percentiles(rates).median();
    }
  }

  private final CausalLm model;
  private final Batch shape;
  private final SplittableRandom random;

  TrainBench(CausalLm model, Batch shape, long seed) {
    this.model = model;
    this.shape = shape;
    this.random = new SplittableRandom(seed);
  }

  /** Trains for {@code warmUp} steps, then for {@code steps} timed ones. */
  Timing run(int warmUp, int steps) {
    double[] seconds = new double[steps];
    double[] cpuSeconds = new double[steps];
    long[] tokens = new long[steps];
    double loss = 0;
    model.parameters().train(true);
    try (AdamWOptimizer optimizer =
        new AdamWOptimizer(model.parameters(), AdamWOptimizer.Settings.DEFAULT)) {
      for (int i = 0; i < warmUp + steps; i++) {
        PackedBatch batch = batch(i);
        long cpuStart = CpuClock.nanos();
        long start = System.nanoTime();
        loss = Gradients.ALL.add(model, batch, logs -> SftLoss.of(logs, shape.sequences()));
        optimizer.step(RATE);
        double elapsed = (System.nanoTime() - start) * 1e-9;
        if (i >= warmUp) {
          seconds[i - warmUp] = elapsed;
          cpuSeconds[i - warmUp] = (CpuClock.nanos() - cpuStart) * 1e-9;
          tokens[i - warmUp] = batch.tokens().length;
        }
      }
    }
    return new Timing(seconds, cpuSeconds, tokens, loss);
  }

  private PackedBatch batch(int step) {
    List<PackedBatch.Sequence> sequences = new ArrayList<>();
    int vocabulary = model.config().vocabulary();
    for (int i = 0; i < shape.sequences(); i++) {
      int[] prompt = random.ints(shape.length(step, i), 0, vocabulary).toArray();
      sequences.add(PackedBatch.Sequence.of(prompt, new int[] {random.nextInt(vocabulary)}));
    }
    return PackedBatch.of(sequences);
  }
}
