package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A batch that breaks a rule is refused whole, by name, and the engine goes on as if nothing was.
 */
class InvalidBatchTest {
  private static final Golden GOLDEN = Golden.named("llama-tied");
  private static final int VOCABULARY = GOLDEN.config().vocabulary();
  private static final int POSITIONS = GOLDEN.config().maxPositions();
  private static final int BLOCK_TOKENS = 4;
  private static final EngineOptions OPTIONS = TestOptions.blocks(BLOCK_TOKENS);

  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();
  private Engine engine;
  private LabelTable labels;
  private float[] before;

  @BeforeEach
  void open() {
    engine = GOLDEN.engine(OPTIONS);
    labels = engine.labels(GOLDEN.labelSets().get(1).forms());
    before = works();
  }

  @AfterEach
  void goesOn() {
    assertArrayEquals(before, works());
    assertEquals(2, engine.info().batches());
    assertEquals(0, engine.info().cancelledBatches());
    labels.close();
    engine.close();
  }

  private float[] works() {
    batch.clear();
    batch.root(GOLDEN.prompts().get(3).tokens());
    batch.logits();
    engine.run(batch, result);
    return result.logits(0);
  }

  /** Refused as INVALID_ARGUMENT by a message that holds all of {@code mentions}. */
  private void refused(Consumer<Batch> build, Object... mentions) {
    batch.clear();
    long tokens = engine.info().tokens();
    build.accept(batch);
    EngineException e = assertThrows(EngineException.class, () -> engine.run(batch, result));
    assertEquals(EngineException.Code.INVALID_ARGUMENT, e.code(), e.getMessage());
    for (Object mention : mentions) {
      assertTrue(
          e.getMessage().contains(mention.toString()),
          () -> "expected a message with \"" + mention + "\", found: " + e.getMessage());
    }
    assertEquals(tokens, engine.info().tokens(), "nothing may be computed");
  }

  private static int[] tokens(int count) {
    return new int[count];
  }

  @Test
  void tokenOutsideTheVocabulary() {
    refused(b -> b.root(new int[] {1, VOCABULARY, 2}), "expected", "found " + VOCABULARY);
    refused(b -> b.root(new int[] {-1}), "expected", "found -1");
    refused(b -> b.root(new int[] {Integer.MIN_VALUE}), "found " + Integer.MIN_VALUE);
  }

  @Test
  void blockThatIsNotInThePool() {
    refused(b -> rooted(b).chain(OPTIONS.blocks(), 1), "expected", "found " + OPTIONS.blocks());
    refused(b -> rooted(b).chain(-1, 1), "expected", "found -1");
    refused(b -> rooted(b).keep(0, OPTIONS.blocks()), "expected", "found " + OPTIONS.blocks());
    refused(b -> rooted(b).keep(0, -7), "expected", "found -7");
  }

  @Test
  void countThatIsNotInABlock() {
    refused(b -> rooted(b).chain(0, BLOCK_TOKENS + 1), "expected", "found " + (BLOCK_TOKENS + 1));
    refused(b -> rooted(b).chain(0, 0), "expected", "found 0");
    refused(b -> rooted(b).chain(0, -3), "expected", "found -3");
  }

  @Test
  void keepThatDoesNotFit() {
    refused(b -> rooted(b, 5).keep(0, 0), "expected", "found");
    refused(b -> rooted(b, 4).keep(1, 0), "expected", "found");
    refused(b -> rooted(b, 1).keep(BLOCK_TOKENS, 0), "expected", "found " + BLOCK_TOKENS);
    refused(b -> rooted(b, 1).keep(-1, 0), "expected", "found -1");
  }

  @Test
  void moreTokensThanABatchHolds() {
    int most = OPTIONS.batchTokensMax();
    refused(
        b -> {
          for (int left = most + 1; left > 0; left -= POSITIONS) {
            b.root(tokens(Math.min(left, POSITIONS)));
          }
        },
        "expected",
        most,
        most + 1);
  }

  /** The trie's rows count, too. */
  @Test
  void moreLabelRowsThanABatchHolds() {
    int sequences = OPTIONS.batchTokensMax() / (1 + labels.extraRows()) + 1;
    refused(
        b -> {
          b.labels(labels, false);
          for (int i = 0; i < sequences; i++) {
            rooted(b).score();
          }
        },
        "expected",
        OPTIONS.batchTokensMax());
  }

  @Test
  void parentAndChainTogether() {
    refused(
        b -> {
          b.child(b.root(tokens(3)), tokens(2));
          b.chain(0, 1);
        },
        "expected",
        "found");
  }

  @Test
  void scoreWithoutLabels() {
    refused(b -> rooted(b).score(), "label");
  }

  @Test
  void positionsBeyondTheLast() {
    refused(b -> b.root(tokens(POSITIONS + 1)), "expected", POSITIONS, POSITIONS + 1);
    refused(b -> b.child(b.root(tokens(POSITIONS)), tokens(1)), POSITIONS, POSITIONS + 1);
    refused(
        b -> {
          b.root(tokens(POSITIONS - 10));
          for (int block = 0; block < 3; block++) {
            b.chain(block, BLOCK_TOKENS);
          }
        },
        POSITIONS,
        POSITIONS + 2);
    // The tokens of a label need positions as well.
    List<List<int[]>> forms = List.of(List.of(new int[] {1, 2, 3}), List.of(new int[] {4}));
    try (LabelTable longLabels = engine.labels(forms)) {
      refused(
          b -> {
            b.labels(longLabels, false);
            b.root(tokens(POSITIONS - 1));
            b.score();
          },
          POSITIONS);
    }
  }

  @Test
  void emptyBatch() {
    batch.clear();
    EngineException e = assertThrows(EngineException.class, () -> engine.run(batch, result));
    assertEquals(EngineException.Code.INVALID_ARGUMENT, e.code());
  }

  /** The Java side refuses what it can see at once. */
  @Test
  void sequenceThatCannotBe() {
    batch.clear();
    IllegalArgumentException parent =
        assertThrows(IllegalArgumentException.class, () -> batch.child(0, tokens(1)));
    assertTrue(parent.getMessage().contains("found 0"), parent.getMessage());
    assertThrows(IllegalArgumentException.class, () -> batch.child(-2, tokens(1)));
    IllegalArgumentException empty =
        assertThrows(IllegalArgumentException.class, () -> batch.root(tokens(0)));
    assertTrue(empty.getMessage().contains("found none"), empty.getMessage());
    assertEquals(0, batch.size());
  }

  @Test
  void samplingThatCannotBe() {
    assertThrows(IllegalArgumentException.class, () -> new Sampling(-1f, 0, 1f, 0));
    assertThrows(IllegalArgumentException.class, () -> new Sampling(Float.NaN, 0, 1f, 0));
    assertThrows(IllegalArgumentException.class, () -> new Sampling(1f, -1, 1f, 0));
    assertThrows(IllegalArgumentException.class, () -> new Sampling(1f, 0, 0f, 0));
    assertThrows(IllegalArgumentException.class, () -> new Sampling(1f, 0, Float.NaN, 0));
    // Past the record, the native side looks again.
    refused(
        b -> {
          rooted(b).sample(new Sampling(1f, 0, 1f, 0), 0);
          b.temperatures[0] = Float.NaN;
        },
        "temperature");
    refused(
        b -> {
          rooted(b).sample(new Sampling(1f, 0, 1f, 0), 0);
          b.topPs[0] = 0f;
        },
        "top_p");
  }

  private static Batch rooted(Batch b) {
    return rooted(b, 1);
  }

  private static Batch rooted(Batch b, int count) {
    b.root(tokens(count));
    return b;
  }
}
