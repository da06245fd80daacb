package dev.gavel.engine;

import static dev.gavel.engine.Numbers.concat;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gavel.engine.Batch.Output;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Random forests on random kept prefixes: each sequence has the bits of the same tokens alone. */
abstract class AbstractRaggedBatchTest {
  private final Quantization quantization;

  AbstractRaggedBatchTest(Quantization quantization) {
    this.quantization = quantization;
  }

  private static final int BLOCK_TOKENS = 4;

  /** A sequence of the forest; {@code prefix} is the kept prefix of its root, or -1. */
  private record Sequence(int parent, int prefix, int[] tokens, Output output) {}

  static Stream<Arguments> casesAndSizes() {
    return Stream.of("llama-tied", "qwen2", "qwen3", "qwen3-moe", "qwen3-moe-dense-layer")
        .flatMap(name -> Stream.of(1, 13, 207, 1000).map(size -> Arguments.of(name, size)));
  }

  @ParameterizedTest
  @MethodSource("casesAndSizes")
  void forestsAgainstOneByOne(String name, int size) {
    Golden golden = Golden.named(name);
    long seed = 31L * size + name.hashCode();
    System.out.printf("%s, %d sequences: seed %d%n", name, size, seed);
    SplittableRandom random = new SplittableRandom(seed);
    EngineOptions options = TestOptions.blocks(BLOCK_TOKENS).withQuantization(quantization);
    KvBlocks pool = new KvBlocks(options.blocks(), BLOCK_TOKENS);
    try (Engine engine = golden.engine(options);
        LabelTable labels = engine.labels(golden.labelSets().get(0).forms())) {
      List<int[]> prefixes = new ArrayList<>();
      List<KeptTokens> kept = new ArrayList<>();
      Batch batch = new Batch();
      BatchResult result = new BatchResult();
      for (int i = 0; i < 3; i++) {
        prefixes.add(
            Numbers.randomTokens(random, golden.config().vocabulary(), 1 + random.nextInt(30)));
        kept.add(new KeptTokens(pool));
        kept.get(i).append(batch, prefixes.get(i));
      }
      engine.run(batch, result);
      List<Sequence> forest = forest(random, golden.config(), size, prefixes.size());
      fill(batch, forest, kept, labels);
      engine.run(batch, result);
      Single single = new Single(engine, labels, prefixes);
      single.compareAll(forest, batch, result);
    }
  }

  /** Short sequences so that a thousand fit; trees a few levels deep. */
  private static List<Sequence> forest(
      SplittableRandom random, ModelConfig config, int size, int prefixes) {
    List<Sequence> forest = new ArrayList<>();
    int longest = Math.max(1, Math.min(60, 2 * 3500 / size - 1));
    for (int i = 0; i < size; i++) {
      int parent = random.nextInt(3) > 0 && i > 0 ? i - 1 - random.nextInt(Math.min(i, 40)) : -1;
      int prefix = parent < 0 && random.nextBoolean() ? random.nextInt(prefixes) : -1;
      int[] tokens = Numbers.randomTokens(random, config.vocabulary(), 1 + random.nextInt(longest));
      if (depth(forest, parent) + tokens.length > config.maxPositions() - 40) {
        parent = -1;
      }
      Output output = Output.values()[i == size - 1 ? 1 : random.nextInt(4)];
      forest.add(new Sequence(parent, prefix, tokens, output));
    }
    return forest;
  }

  private static int depth(List<Sequence> forest, int index) {
    int tokens = 0;
    for (int i = index; i >= 0; i = forest.get(i).parent()) {
      tokens += forest.get(i).tokens().length;
    }
    return tokens;
  }

  private static void fill(
      Batch batch, List<Sequence> forest, List<KeptTokens> kept, LabelTable labels) {
    batch.clear();
    batch.labels(labels, true);
    for (int i = 0; i < forest.size(); i++) {
      add(batch, forest.get(i), forest.get(i).parent(), kept);
      yieldOutput(batch, forest.get(i).output(), i);
    }
  }

  private static void yieldOutput(Batch batch, Output output, int draw) {
    switch (output) {
      case LABELS -> batch.score();
      case LOGITS -> batch.logits();
      case SAMPLE -> batch.sample(new Sampling(0.8f, 20, 0.95f, 9), draw);
      default -> {}
    }
  }

  private static void add(Batch batch, Sequence sequence, int parent, List<KeptTokens> kept) {
    batch.add(parent, sequence.tokens(), 0, sequence.tokens().length);
    if (sequence.prefix() >= 0) {
      kept.get(sequence.prefix()).chain(batch);
    }
  }

  /** Computes sequences one by one, each with all it sees as one root. */
  private static final class Single {
    private final Engine engine;
    private final LabelTable labels;
    private final List<int[]> prefixes;
    private final Batch batch = new Batch();
    private final BatchResult result = new BatchResult();

    Single(Engine engine, LabelTable labels, List<int[]> prefixes) {
      this.engine = engine;
      this.labels = labels;
      this.prefixes = prefixes;
    }

    void compareAll(List<Sequence> forest, Batch whole, BatchResult found) {
      int[] seen = new int[Output.values().length];
      for (int i = 0; i < forest.size(); i++) {
        Output output = forest.get(i).output();
        compare(forest, i, seen[output.ordinal()]++, found);
      }
      for (Output output : new Output[] {Output.LABELS, Output.LOGITS, Output.SAMPLE}) {
        assertEquals(seen[output.ordinal()], whole.count(output));
      }
    }

    private void compare(List<Sequence> forest, int index, int nth, BatchResult found) {
      String what = "sequence " + index;
      Output output = forest.get(index).output();
      if (output == Output.NONE) {
        return;
      }
      flattened(forest, index);
      yieldOutput(batch, output, index);
      engine.run(batch, result);
      switch (output) {
        case LABELS -> {
          assertArrayEquals(
              result.labelLogProbabilities(0), found.labelLogProbabilities(nth), what);
          assertEquals(result.labelLogMass(0), found.labelLogMass(nth), what);
        }
        case LOGITS -> assertArrayEquals(result.logits(0), found.logits(nth), what);
        default -> {
          assertEquals(result.sampledToken(0), found.sampledToken(nth), what);
          assertEquals(result.sampledLogProbability(0), found.sampledLogProbability(nth), what);
        }
      }
    }

    /** All that the sequence sees and is, as one root. */
    private void flattened(List<Sequence> forest, int index) {
      List<Sequence> path = path(forest, index);
      int prefix = path.get(0).prefix();
      int[] own = concat(path.stream().map(Sequence::tokens).toArray(int[][]::new));
      batch.clear();
      batch.labels(labels, true);
      batch.root(prefix < 0 ? own : concat(prefixes.get(prefix), own));
    }

    private static List<Sequence> path(List<Sequence> forest, int index) {
      List<Sequence> path = new ArrayList<>();
      for (int i = index; i >= 0; i = forest.get(i).parent()) {
        path.add(0, forest.get(i));
      }
      return path;
    }
  }
}
