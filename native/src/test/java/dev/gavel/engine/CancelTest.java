package dev.gavel.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** A cancelled batch stops between two layers, is counted, and leaves the engine whole. */
class CancelTest {
  /** Many layers, so that there are many moments to stop at. */
  private static final ModelConfig DEEP =
      new ModelConfig(
          "llama",
          64,
          128,
          48,
          4,
          2,
          32,
          384,
          1024,
          10_000,
          RopeScaling.NONE,
          1e-5,
          false,
          false,
          true,
          0,
          0,
          0,
          false,
          new BitSet());

  private static final int[] TOKENS = new int[1000];

  private final Batch batch = new Batch();
  private final BatchResult result = new BatchResult();

  private void fill(int sequences) {
    batch.clear();
    for (int i = 0; i < sequences; i++) {
      batch.root(TOKENS);
      batch.logits();
    }
  }

  private static EngineException.Code codeOf(Engine engine, Batch batch, BatchResult result) {
    return assertThrows(EngineException.class, () -> engine.run(batch, result)).code();
  }

  @Test
  void cancelledBeforeItRuns() {
    Golden golden = Golden.named("llama-tied");
    try (Engine engine = golden.engine(TestOptions.blocks(16))) {
      int[] prompt = golden.prompts().get(3).tokens();
      batch.root(prompt);
      batch.logits();
      engine.run(batch, result);
      float[] expected = result.logits(0);
      long tokens = engine.info().tokens();
      batch.cancel();
      assertTrue(batch.isCancelled());
      for (int times = 1; times <= 3; times++) {
        assertEquals(EngineException.Code.CANCELLED, codeOf(engine, batch, result));
        assertEquals(times, engine.info().cancelledBatches());
      }
      assertEquals(1, engine.info().batches());
      assertEquals(tokens, engine.info().tokens(), "nothing was computed");
      batch.clear();
      batch.root(prompt);
      batch.logits();
      engine.run(batch, result);
      assertArrayEquals(expected, result.logits(0));
      assertEquals(2, engine.info().batches());
      assertEquals(3, engine.info().cancelledBatches());
    }
  }

  @Test
  void cancelledAfterItRan() {
    Golden golden = Golden.named("llama-tied");
    try (Engine engine = golden.engine(TestOptions.blocks(16))) {
      batch.root(golden.prompts().get(1).tokens());
      engine.run(batch, result);
      batch.cancel();
      assertEquals(1, engine.info().batches());
      assertEquals(0, engine.info().cancelledBatches());
    }
  }

  /**
   * Cancelled from another thread at moments spread over the time that a whole run takes. When
   * exactly a thread gets its turn is not ours to say, so the test asks only that each run either
   * finishes or ends as CANCELLED, that the counts agree, and that some were stopped.
   */
  @Test
  void cancelledWhileItRuns() throws InterruptedException {
    EngineOptions options = TestOptions.blocks(16);
    try (Engine engine = Checkpoint.random(DEEP, 5).engine(options)) {
      fill(2);
      engine.run(batch, result);
      float[] expected = result.logits(1);
      long start = System.nanoTime();
      engine.run(batch, result);
      long whole = System.nanoTime() - start;
      int cancelled = 0;
      int attempts = 12;
      for (int attempt = 0; attempt < attempts; attempt++) {
        cancelled += runAndCancelAfter(engine, whole * attempt / attempts) ? 1 : 0;
      }
      assertEquals(cancelled, engine.info().cancelledBatches());
      assertEquals(2 + attempts - cancelled, engine.info().batches());
      fill(2);
      engine.run(batch, result);
      assertArrayEquals(expected, result.logits(1));
      Assumptions.assumeTrue(cancelled > 0, "no thread got its turn while a batch ran");
    }
  }

  private boolean runAndCancelAfter(Engine engine, long nanos) throws InterruptedException {
    fill(2);
    CountDownLatch started = new CountDownLatch(1);
    Thread canceller =
        new Thread(
            () -> {
              started.countDown();
              long end = System.nanoTime() + nanos;
              while (System.nanoTime() < end) {
                Thread.onSpinWait();
              }
              batch.cancel();
            });
    canceller.start();
    started.await();
    try {
      engine.run(batch, result);
      return false;
    } catch (EngineException e) {
      assertEquals(EngineException.Code.CANCELLED, e.code(), e.getMessage());
      return true;
    } finally {
      canceller.join();
    }
  }
}
