package dev.gavel.cli.bench;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.LabelTable;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Times {@link Engine#run} on scoring requests, each of fresh random tokens: one parent with the
 * prefix, one child an item.
 */
public final class ScoreBench {
  private final Engine engine;
  private final ScoreShape shape;
  private final SplittableRandom random;

  public ScoreBench(Engine engine, ScoreShape shape, long seed) {
    this.engine = engine;
    this.shape = shape;
    this.random = new SplittableRandom(seed);
  }

  /**
   * Runs {@code warmUp} requests, then {@code requests} timed ones.
   *
   * @param labels surface forms of each label, as tokens
   * @return seconds of each timed request
   */
  public double[] run(List<List<int[]>> labels, int warmUp, int requests) {
    double[] seconds = new double[requests];
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (LabelTable table = engine.labels(labels)) {
      for (int i = -warmUp; i < requests; i++) {
        fill(batch, table);
        long start = System.nanoTime();
        engine.run(batch, result);
        double elapsed = (System.nanoTime() - start) * 1e-9;
        if (i >= 0) {
          seconds[i] = elapsed;
        }
      }
    }
    return seconds;
  }

  private void fill(Batch batch, LabelTable table) {
    batch.clear();
    batch.labels(table, false);
    int prefix = batch.root(tokens(shape.prefix()));
    for (int item = 0; item < shape.items(); item++) {
      batch.child(prefix, tokens(shape.itemTokens()));
      batch.score();
    }
  }

  private int[] tokens(int count) {
    int vocabulary = engine.config().vocabulary();
    return random.ints(count, 0, vocabulary).toArray();
  }
}
