package dev.gavel.cli.realmodel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.LabelTable;
import dev.gavel.engine.Quantization;
import dev.gavel.engine.Sampling;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.prompt.ChatTemplate;
import dev.gavel.relevance.prompt.Message;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real SmolLM2 against Transformers. Skipped where the model is absent. */
class RealModelTest {
  /** The project's bar for a log-probability, in nats. */
  private static final double TOLERANCE = 1e-3;

  /** What {@code docs/kernels/int8.md} allows int8 to change of a label's probability. */
  private static final double INT8_CHANGE_MAX = 0.06;

  private static final double INT8_CHANGE_MEAN = 0.012;

  @TempDir static Path directory;
  private static Golden golden;
  private static RelevanceModel model;
  private static Engine fp32;

  @BeforeAll
  static void load() throws IOException {
    if (!SmolLm2.isPresent()) {
      return;
    }
    SmolLm2.unpack(directory);
    golden = Golden.read();
    model = RelevanceModel.open(directory);
    fp32 = engine(Quantization.FP32);
  }

  /** Before each, since a class that is left out as a whole is not counted as skipped. */
  @BeforeEach
  void skipWithoutModel() {
    Assumptions.assumeTrue(SmolLm2.isPresent(), "no model at " + SmolLm2.FOLDER);
  }

  @AfterAll
  static void close() {
    if (fp32 != null) {
      fp32.close();
    }
    if (model != null) {
      model.close();
    }
  }

  private static Engine engine(Quantization quantization) {
    EngineOptions options = EngineOptions.defaults().withBlocks(32);
    return model.loadEngine(options.withQuantization(quantization));
  }

  @Test
  void knowsTheCapitalOfFrance() {
    ChatTemplate template = ChatTemplate.open(directory);
    String prompt =
        template.render(List.of(new Message("user", "What is the capital of France?")), false);
    String answer = model.detokenize(greedy(model.tokenize(prompt), 13).tokens());
    assertTrue(answer.contains("Paris"), answer);
  }

  @Test
  void labelsAreThoseOfTransformers() {
    assertEquals(golden.labels().size(), model.labels().size());
    for (int label = 0; label < golden.labels().size(); label++) {
      assertArrayEquals(
          golden.labels().get(label).toArray(), model.labelTokens().get(label).toArray());
    }
    List<Golden.Item> items = golden.queries().stream().flatMap(q -> q.items().stream()).toList();
    List<float[]> found = score(fp32);
    for (int item = 0; item < items.size(); item++) {
      assertLogProbabilities(
          items.get(item).logProbabilities(), found.get(item), "labels of pair " + item);
    }
  }

  @Test
  void greedyContinuationIsThatOfTransformers() {
    Golden.Continuation expected = golden.continuation();
    assertEquals(64, expected.tokens().length);
    Drawn found = greedy(expected.prompt(), expected.tokens().length);
    assertArrayEquals(expected.tokens(), found.tokens());
    assertLogProbabilities(expected.logProbabilities(), found.logProbabilities(), "continuation");
  }

  private static void assertLogProbabilities(double[] expected, float[] found, String what) {
    assertEquals(expected.length, found.length, what);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], TOLERANCE, what + ", number " + i);
    }
  }

  @Test
  void int8KeepsTheLabels() {
    List<float[]> exact = score(fp32);
    List<float[]> rounded;
    try (Engine int8 = engine(Quantization.INT8)) {
      rounded = score(int8);
    }
    assertEquals(64, exact.size());
    DoubleSummaryStatistics changes = new DoubleSummaryStatistics();
    long otherBest =
        IntStream.range(0, exact.size())
            .filter(pair -> best(exact.get(pair)) != best(rounded.get(pair)))
            .count();
    for (int pair = 0; pair < exact.size(); pair++) {
      for (int label = 0; label < exact.get(pair).length; label++) {
        double before = Math.exp(exact.get(pair)[label]);
        double after = Math.exp(rounded.get(pair)[label]);
        changes.accept(Math.abs(after - before));
      }
    }
    String figures =
        "change of a label's probability: "
            + changes.getMax()
            + " at most, "
            + changes.getAverage()
            + " on average; best labels that change: "
            + otherBest;
    System.out.println("int8 against fp32, " + figures);
    assertTrue(changes.getMax() <= INT8_CHANGE_MAX, figures);
    assertTrue(changes.getAverage() <= INT8_CHANGE_MEAN, figures);
  }

  private static int best(float[] logProbabilities) {
    return IntStream.range(0, logProbabilities.length)
        .reduce((a, b) -> logProbabilities[b] > logProbabilities[a] ? b : a)
        .orElseThrow();
  }

  /** Label log-probabilities of all pairs, in order: one batch a query. */
  private static List<float[]> score(Engine engine) {
    List<float[]> all = new ArrayList<>();
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    try (LabelTable labels = engine.labels(golden.labels())) {
      for (Golden.Query query : golden.queries()) {
        batch.clear();
        batch.labels(labels, false);
        int prefix = batch.root(query.prefix());
        for (Golden.Item item : query.items()) {
          batch.child(prefix, item.suffix());
          batch.score();
        }
        engine.run(batch, result);
        for (int item = 0; item < query.items().size(); item++) {
          all.add(result.labelLogProbabilities(item));
        }
      }
    }
    return all;
  }

  /** Tokens of one stream and their log-probabilities. */
  private record Drawn(int[] tokens, float[] logProbabilities) {}

  /** Follows the most probable token behind {@code prompt}, keys and values kept in blocks. */
  private static Drawn greedy(int[] prompt, int count) {
    int blockTokens = fp32.info().blockTokens();
    Drawn drawn = new Drawn(new int[count], new float[count]);
    Batch batch = new Batch();
    BatchResult result = new BatchResult();
    int[] next = prompt;
    int kept = 0;
    for (int draw = 0; draw < count; draw++) {
      batch.clear();
      batch.root(next);
      for (int from = 0; from < kept; from += blockTokens) {
        batch.chain(from / blockTokens, Math.min(blockTokens, kept - from));
      }
      int end = kept + next.length;
      int firstBlock = kept / blockTokens;
      int lastBlock = (end - 1) / blockTokens;
      batch.keep(kept % blockTokens, IntStream.rangeClosed(firstBlock, lastBlock).toArray());
      batch.sample(Sampling.GREEDY, draw);
      fp32.run(batch, result);
      kept = end;
      drawn.tokens[draw] = result.sampledToken(0);
      drawn.logProbabilities[draw] = result.sampledLogProbability(0);
      next = new int[] {drawn.tokens[draw]};
    }
    return drawn;
  }
}
