package dev.gavel.cli.bench;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.LabelTable;
import java.util.SplittableRandom;

/**
 * Times {@link Engine#run} on scoring requests, each of fresh random tokens: one parent with the
 * prefix, one child an item.
 */
final class ScoreBench {
  private final Engine engine;
  private final ScoreShape shape;
  private final LabelTable labels;
  private final SplittableRandom random;
  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();

  ScoreBench(Engine engine, ScoreShape shape, LabelTable labels, long seed) {
    this.engine = engine;
    this.shape = shape;
    this.labels = labels;
    this.random = new SplittableRandom(seed);
  }

  /** Seconds of one request. */
  double request() {
    batch.clear();
    batch.labels(labels, false);
    int prefix = batch.root(tokens(shape.prefix()));
    for (int item = 0; item < shape.items(); item++) {
      batch.child(prefix, tokens(shape.itemTokens()));
      batch.score();
    }
    long start = System.nanoTime();
    engine.run(batch, result);
    return (System.nanoTime() - start) * 1e-9;
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, engine.config().vocabulary()).toArray();
  }
}
