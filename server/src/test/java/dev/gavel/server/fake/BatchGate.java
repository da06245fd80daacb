package dev.gavel.server.fake;

import dev.gavel.engine.Batch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Holds batches until they are let through, or cancelled. */
public final class BatchGate implements Consumer<Batch> {
  private final Semaphore arrived = new Semaphore(0);
  private final Semaphore passes = new Semaphore(0);
  private volatile boolean open;

  @Override
  public void accept(Batch batch) {
    arrived.release();
    try {
      while (!open && !batch.isCancelled() && !passes.tryAcquire(1, TimeUnit.MILLISECONDS)) {
        Thread.onSpinWait();
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Waits until one more batch stands at the gate. */
  public void awaitBatch() throws InterruptedException {
    if (!arrived.tryAcquire(30, TimeUnit.SECONDS)) {
      throw new AssertionError("expected a batch, found none in 30 s");
    }
  }

  /** Lets one batch through. */
  public void pass() {
    passes.release();
  }

  /** Lets everything through from now on. */
  public void open() {
    open = true;
  }
}
