package dev.gavel.server.api;

import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.scheduling.Admission;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import dev.gavel.server.scheduling.ScoreJob;
import dev.gavel.server.scheduling.StageSeconds;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;

/**
 * One Score request on its way: checked, looked up in the result cache, entered, tokenized,
 * admitted, computed, answered. What the cache knows skips the middle. The outcome comes exactly
 * once, whatever happens, and on no thread that must not wait.
 */
final class ScoreCall implements ScoreJob.Sink {
  /** Where the outcome goes. */
  interface Outcome {
    void answered(ScoreResponse response);

    void failed(FaultException fault);
  }

  /** The result where nothing had to be computed. */
  private static final ScoreJob.Result NOTHING =
      new ScoreJob.Result(new float[0][], new float[0], new StageSeconds(0, 0, 0));

  private final Serving serving;
  private final ScoreRequest request;
  private final long deadlineNanos;
  private final Outcome outcome;
  private Admission.Ticket ticket;
  private ScoreItems items;
  private double tokenizeSeconds;
  private volatile boolean cancelled;
  private volatile ScoreJob job;

  ScoreCall(Serving serving, ScoreRequest request, long deadlineNanos, Outcome outcome) {
    this.serving = serving;
    this.request = request;
    this.deadlineNanos = deadlineNanos;
    this.outcome = outcome;
  }

  /** Begins; refusals come back before this returns. */
  void start(boolean streamed) {
    try {
      serving.gate().enter();
    } catch (FaultException e) {
      outcome.failed(e);
      return;
    }
    try {
      check(streamed);
      items = new ScoreItems(serving, request);
      if (items.missing() > 0) {
        ticket = serving.scheduler().admission().enterScore(entry());
        serving.tokenizers().execute(this::tokenize);
        return;
      }
    } catch (RuntimeException e) {
      end(ErrorTable.fault(e));
      return;
    }
    serving.calls().execute(() -> answer(NOTHING));
  }

  private Admission.Entry entry() {
    long bytes = (long) request.getSerializedSize() * items.missing() / request.getItemsCount();
    return new Admission.Entry(items.missing(), bytes, deadlineNanos);
  }

  private void check(boolean streamed) {
    try {
      Checks.check(request, serving.model().limits(), streamed);
      serving.requireModel(request.getModel());
    } catch (FaultException e) {
      serving.stats().count(Counter.INVALID_REQUESTS);
      throw e;
    }
    serving.stats().count(Counter.SCORE_REQUESTS);
    serving.stats().add(Counter.ITEMS, request.getItemsCount());
  }

  /** The caller left. Any thread. */
  void cancel() {
    cancelled = true;
    ScoreJob current = job;
    if (current != null) {
      current.cancel();
    }
  }

  private void tokenize() {
    try {
      requireAwaited();
      long start = System.nanoTime();
      items.encode();
      tokenizeSeconds = (System.nanoTime() - start) / 1e9;
      submit();
    } catch (Throwable t) {
      end(ErrorTable.fault(t));
    }
  }

  private void requireAwaited() {
    if (cancelled) {
      serving.stats().count(Counter.CANCELLED);
      throw FaultException.of(Fault.CANCELLED, "the caller cancelled");
    }
    if (deadlineNanos != ScoreJob.NO_DEADLINE && deadlineNanos - System.nanoTime() <= 0) {
      serving.stats().count(Counter.EXPIRED);
      throw FaultException.of(Fault.DEADLINE_PASSED, "the deadline passed before tokenizing");
    }
  }

  private void submit() {
    ScoreJob.Work work = items.work(serving.scheduler().capacity());
    if (work == null) {
      scored(NOTHING);
      return;
    }
    ticket.admit(items.rows(), deadlineNanos);
    job = new ScoreJob(work, deadlineNanos, ticket, serving.stats(), this);
    if (cancelled) {
      job.cancel();
    }
    serving.scheduler().submit(job);
  }

  @Override
  public void scored(ScoreJob.Result result) {
    serving.calls().execute(() -> answer(result));
  }

  @Override
  public void failed(FaultException fault) {
    serving.calls().execute(() -> end(fault));
  }

  private void answer(ScoreJob.Result result) {
    ScoreResponse response;
    try {
      items.computed(result);
      response = items.answer(tokenizeSeconds, result.times());
    } catch (RuntimeException e) {
      end(ErrorTable.fault(e));
      return;
    }
    leave();
    outcome.answered(response);
  }

  private void end(FaultException fault) {
    leave();
    outcome.failed(fault);
  }

  private void leave() {
    if (ticket != null) {
      ticket.close();
    }
    serving.gate().exit();
  }
}
