package dev.gavel.cli.bench;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.KvBlocks;
import dev.gavel.engine.LabelTable;
import java.util.SplittableRandom;

/**
 * Times item-first requests over hot items: instructions and items lie in KV blocks, computed once
 * by the constructor; every request is a fresh query behind each of the items.
 */
final class HotItemsBench {
  private final Engine engine;
  private final LabelTable labels;
  private final int queryTokens;
  private final int instructionTokens;
  private final int itemTokens;
  private final SplittableRandom random;
  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();
  private final int[] instruction; // blocks
  private final int[][] items; // blocks of each

  /**
   * @param queryTokens how many of the shape's prefix are the query's; the rest are instructions
   */
  HotItemsBench(Engine engine, ScoreShape shape, int queryTokens, LabelTable labels, long seed) {
    this.engine = engine;
    this.labels = labels;
    this.queryTokens = queryTokens;
    this.instructionTokens = shape.prefix() - queryTokens;
    this.itemTokens = shape.itemTokens();
    this.random = new SplittableRandom(seed);
    KvBlocks pool = new KvBlocks(engine.info().blocks(), engine.info().blockTokens());
    instruction = pool.take(pool.blocksFor(instructionTokens));
    items = new int[shape.items()][];
    int root = batch.root(tokens(instructionTokens));
    batch.keep(0, instruction);
    for (int item = 0; item < items.length; item++) {
      items[item] = pool.take(pool.blocksFor(itemTokens));
      batch.child(root, tokens(itemTokens));
      batch.keep(0, items[item]);
    }
    engine.run(batch, result);
  }

  /** KV blocks that an engine needs. */
  static int blocks(ScoreShape shape, int queryTokens, int blockTokens) {
    KvBlocks counter = new KvBlocks(0, blockTokens);
    return Math.addExact(
        counter.blocksFor(shape.prefix() - queryTokens),
        Math.multiplyExact(shape.items(), counter.blocksFor(shape.itemTokens())));
  }

  /** Seconds of one request. */
  double request() {
    int[] query = tokens(queryTokens);
    batch.clear();
    batch.labels(labels, false);
    for (int[] item : items) {
      batch.root(query);
      chain(instruction, instructionTokens);
      chain(item, itemTokens);
      batch.score();
    }
    long start = System.nanoTime();
    engine.run(batch, result);
    return (System.nanoTime() - start) * 1e-9;
  }

  private void chain(int[] blocks, int tokens) {
    int size = engine.info().blockTokens();
    for (int i = 0; i < blocks.length; i++) {
      batch.chain(blocks[i], Math.min(size, tokens - i * size));
    }
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, engine.config().vocabulary()).toArray();
  }
}
