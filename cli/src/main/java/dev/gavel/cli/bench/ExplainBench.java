package dev.gavel.cli.bench;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.KvBlocks;
import dev.gavel.engine.Sampling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;

/**
 * Times decoding steps of {@link Engine#run}: streams begin with prompts of fresh random tokens and
 * go on greedily, one token a step in each, with their keys and values in blocks.
 */
public final class ExplainBench {
  private final Engine engine;
  private final DecodeShape shape;
  private final SplittableRandom random;
  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();

  public ExplainBench(Engine engine, DecodeShape shape, long seed) {
    this.engine = engine;
    this.shape = shape;
    this.random = new SplittableRandom(seed);
  }

  /** KV blocks that an engine needs for this shape. */
  public static int blocks(DecodeShape shape, int blockTokens) {
    return Math.multiplyExact(shape.streams(), (shape.length() + blockTokens - 1) / blockTokens);
  }

  /**
   * A timed round.
   *
   * @param gigabytesPerSecond what memory yielded meanwhile: the mean of a reading before and one
   *     after
   * @param seconds of each step
   */
  public record Round(double gigabytesPerSecond, double[] seconds) {}

  /**
   * Runs a round that is not timed, then timed ones between readings of the bandwidth: that of a
   * shared machine changes by half within seconds.
   *
   * @param bandwidth reads it, in GB/s
   */
  public List<Round> run(int rounds, DoubleSupplier bandwidth) {
    round();
    List<Round> timed = new ArrayList<>();
    double before = bandwidth.getAsDouble();
    for (int round = 0; round < rounds; round++) {
      double[] seconds = round();
      double after = bandwidth.getAsDouble();
      timed.add(new Round((before + after) / 2, seconds));
      before = after;
    }
    return timed;
  }

  private double[] round() {
    double[] seconds = new double[shape.tokens()];
    KvBlocks pool = new KvBlocks(engine.info().blocks(), engine.info().blockTokens());
    int[][] blocks = new int[shape.streams()][];
    int[][] next = new int[shape.streams()][];
    for (int stream = 0; stream < blocks.length; stream++) {
      blocks[stream] = pool.take(pool.blocksFor(shape.length()));
      next[stream] = random.ints(shape.prompt(), 0, engine.config().vocabulary()).toArray();
    }
    step(blocks, next, 0);
    for (int token = 0; token < shape.tokens(); token++) {
      long start = System.nanoTime();
      step(blocks, next, shape.prompt() + token);
      seconds[token] = (System.nanoTime() - start) * 1e-9;
    }
    return seconds;
  }

  /** Computes {@code next} behind {@code held} tokens of each stream; replaces it by the answer. */
  private void step(int[][] blocks, int[][] next, int held) {
    int size = engine.info().blockTokens();
    batch.clear();
    for (int stream = 0; stream < next.length; stream++) {
      batch.root(next[stream]);
      for (int begin = 0; begin < held; begin += size) {
        batch.chain(blocks[stream][begin / size], Math.min(size, held - begin));
      }
      int end = (held + next[stream].length + size - 1) / size;
      batch.keep(held % size, Arrays.copyOfRange(blocks[stream], held / size, end));
      batch.sample(Sampling.GREEDY, 0);
    }
    engine.run(batch, result);
    for (int stream = 0; stream < next.length; stream++) {
      next[stream] = new int[] {result.sampledToken(stream)};
    }
  }
}
