package dev.gavel.engine;

import static dev.gavel.engine.Numbers.concat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A pair scores the same wherever its tokens come from: one root, a tree within the batch, or KV
 * blocks kept earlier.
 *
 * <p>On the CPU the same means the same bits, on the fp32 path and on int8: every sum runs over its
 * terms in one order, which depends neither on how keys are stored nor on what else is in the
 * batch.
 */
abstract class AbstractPlacementTest {
  private final Quantization quantization;

  AbstractPlacementTest(Quantization quantization) {
    this.quantization = quantization;
  }

  private static final int INSTRUCTION = 41; // not a multiple of any block size here
  private static final int QUERY = 54;

  /** One golden prompt, cut into the three parts that a prompt has. */
  private final class Fixture implements AutoCloseable {
    final Golden golden;
    final Engine engine;
    final LabelTable labels;
    final KvBlocks pool;
    final Batch batch = new Batch();
    final BatchResult result = new BatchResult();
    final int[] instruction;
    final int[] query;
    final int[] item;

    Fixture(Golden golden, int blockTokens) {
      this.golden = golden;
      EngineOptions options = TestOptions.blocks(blockTokens).withQuantization(quantization);
      engine = golden.engine(options);
      labels = engine.labels(golden.labelSets().get(1).forms());
      pool = new KvBlocks(options.blocks(), blockTokens);
      int[] prompt = golden.prompts().get(golden.prompts().size() - 1).tokens();
      instruction = Arrays.copyOfRange(prompt, 0, INSTRUCTION);
      query = Arrays.copyOfRange(prompt, INSTRUCTION, INSTRUCTION + QUERY);
      item = Arrays.copyOfRange(prompt, INSTRUCTION + QUERY, prompt.length);
    }

    /** Runs a batch whose last sequence is the pair; returns its label log-probabilities. */
    float[] score(Consumer<Batch> build) {
      run(build.andThen(Batch::score));
      return result.labelLogProbabilities(batch.count(Batch.Output.LABELS) - 1);
    }

    float[] logits(Consumer<Batch> build) {
      run(build.andThen(Batch::logits));
      return result.logits(batch.count(Batch.Output.LOGITS) - 1);
    }

    void run(Consumer<Batch> build) {
      batch.clear();
      batch.labels(labels, true);
      build.accept(batch);
      engine.run(batch, result);
    }

    void oneRoot(Batch b) {
      b.root(concat(instruction, query, item));
    }

    void prefixAndItem(Batch b) {
      b.child(b.root(concat(instruction, query)), item);
    }

    void threeLevels(Batch b) {
      b.child(b.child(b.root(instruction), query), item);
    }

    /** Keeps a root sequence in blocks of its own. */
    KeptTokens keep(KeptTokens base, int[] tokens) {
      KeptTokens kept = new KeptTokens(pool, base);
      run(b -> kept.append(b, tokens));
      return kept;
    }

    @Override
    public void close() {
      labels.close();
      engine.close();
    }
  }

  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void treesWithinABatch(Golden golden) {
    try (Fixture f = new Fixture(golden, 16)) {
      float[] expected = f.logits(f::oneRoot);
      assertArrayEquals(expected, f.logits(f::prefixAndItem), "prefix and item");
      assertArrayEquals(expected, f.logits(f::threeLevels), "three levels");
      assertArrayEquals(
          expected,
          f.logits(
              b -> {
                int parent = -1;
                for (int token : concat(f.instruction, f.query)) {
                  parent = b.add(parent, new int[] {token}, 0, 1);
                }
                b.child(parent, f.item);
              }),
          "a chain of single tokens");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "llama-tied, 1",
    "llama-tied, 4",
    "llama-tied, 16",
    "llama-tied, 64",
    "qwen2, 4",
    "qwen3, 16",
    "llama-llama3-rope, 16",
    "qwen3-moe, 4",
    "qwen3-moe-dense-layer, 16",
    "llama-linear-rope, 7"
  })
  void keptPrefixes(String name, int blockTokens) {
    try (Fixture f = new Fixture(Golden.named(name), blockTokens)) {
      float[] expected = f.logits(f::oneRoot);
      KeptTokens instruction = f.keep(null, f.instruction);
      assertArrayEquals(
          expected, f.logits(b -> afterInstruction(f, b, instruction)), "query kept nowhere");
      // The query starts a block of its own, so the chain has a partly filled block in its middle.
      KeptTokens prefix = f.keep(instruction, f.query);
      assertArrayEquals(
          expected,
          f.logits(
              b -> {
                b.root(f.item);
                prefix.chain(b);
              }),
          "chain with a partly filled block in its middle");
      prefix.release();
      instruction.release();
      assertEquals(f.pool.total(), f.pool.available());
    }
  }

  private static void afterInstruction(Fixture f, Batch b, KeptTokens instruction) {
    int query = b.root(f.query);
    instruction.chain(b);
    b.child(query, f.item);
  }

  /** What a batch keeps while it scores serves the next batch, children included. */
  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void keptWhileScoring(Golden golden) {
    try (Fixture f = new Fixture(golden, 4)) {
      float[] expected = f.score(f::oneRoot);
      KeptTokens instruction = new KeptTokens(f.pool);
      KeptTokens[] query = new KeptTokens[1];
      float[] scored =
          f.score(
              b -> {
                int root = instruction.append(b, f.instruction);
                query[0] = new KeptTokens(f.pool, instruction);
                int child = b.child(root, f.query);
                query[0].keep(b, f.query.length);
                b.child(child, f.item);
              });
      assertArrayEquals(expected, scored, "scored while keeping");
      float[] later =
          f.score(
              b -> {
                b.root(f.item);
                query[0].chain(b);
              });
      assertArrayEquals(expected, later, "scored on what was kept");
    }
  }

  /** Tokens that arrive in pieces, each continuing in the last block of the piece before. */
  @ParameterizedTest
  @CsvSource({"llama-tied, 1, 5", "llama-tied, 16, 13", "qwen3, 4, 3", "qwen3-moe, 16, 31"})
  void prefilledInPieces(String name, int blockTokens, int piece) {
    try (Fixture f = new Fixture(Golden.named(name), blockTokens)) {
      float[] expected = f.logits(f::oneRoot);
      int[] prefix = concat(f.instruction, f.query);
      KeptTokens kept = new KeptTokens(f.pool);
      for (int from = 0; from < prefix.length; from += piece) {
        int[] part = Arrays.copyOfRange(prefix, from, Math.min(prefix.length, from + piece));
        f.run(b -> kept.append(b, part));
      }
      assertArrayEquals(
          expected,
          f.logits(
              b -> {
                b.root(f.item);
                kept.chain(b);
              }),
          "prefilled in pieces of " + piece);
    }
  }

  /** Neighbours, their number and their outputs leave a pair's bits alone. */
  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void neighboursDoNotMatter(Golden golden) {
    try (Fixture f = new Fixture(golden, 16)) {
      KeptTokens kept = f.keep(null, concat(f.instruction, f.query));
      List<Consumer<Batch>> ways =
          List.of(
              f::oneRoot,
              f::prefixAndItem,
              f::threeLevels,
              b -> {
                b.root(f.item);
                kept.chain(b);
              });
      for (Consumer<Batch> way : ways) {
        float[] alone = f.score(way);
        float[] row = f.logits(way);
        for (int neighbours : new int[] {1, 2, 7, 60}) {
          long seed = 77 + neighbours;
          Consumer<Batch> crowded = b -> neighbours(f, b, neighbours, seed);
          String what = "among " + neighbours + " neighbours of seed " + seed;
          assertArrayEquals(alone, f.score(crowded.andThen(way)), what);
          assertArrayEquals(row, f.logits(crowded.andThen(way)), what);
        }
      }
    }
  }

  private static void neighbours(Fixture f, Batch b, int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < count; i++) {
      int[] tokens =
          Numbers.randomTokens(random, f.golden.config().vocabulary(), 1 + random.nextInt(40));
      b.add(i > 0 && random.nextBoolean() ? random.nextInt(i) : -1, tokens, 0, tokens.length);
      switch (random.nextInt(4)) {
        case 0 -> b.score();
        case 1 -> b.logits();
        case 2 -> b.sample(new Sampling(1f, 0, 1f, seed), i);
        default -> {}
      }
    }
  }

  /** Every number is summed by one thread in one order, however many threads there are. */
  @ParameterizedTest
  @MethodSource("dev.gavel.engine.Golden#all")
  void threadsDoNotMatter(Golden golden) {
    float[] expected = null;
    for (int threads : new int[] {1, 2, 3}) {
      try (Engine engine = golden.engine(TestOptions.blocks(16).withThreads(threads))) {
        Batch batch = new Batch();
        BatchResult result = new BatchResult();
        golden.prompts().forEach(prompt -> batch.root(prompt.tokens()));
        batch.logits();
        engine.run(batch, result);
        float[] found = result.logits(0);
        expected = expected == null ? found : expected;
        assertArrayEquals(expected, found, threads + " threads");
      }
    }
  }
}
