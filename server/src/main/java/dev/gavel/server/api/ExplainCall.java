package dev.gavel.server.api;

import dev.gavel.engine.Sampling;
import dev.gavel.relevance.DecodingDefaults;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.LabelDistribution;
import dev.gavel.relevance.Order;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.scheduling.Admission;
import dev.gavel.server.scheduling.ExplainJob;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import dev.gavel.server.scheduling.Scheduler;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.Final;
import dev.gavel.v1.SampleEnd;
import dev.gavel.v1.ScoredItem;
import dev.gavel.v1.Token;
import dev.gavel.v1.Verdict;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/**
 * One Explain call: checked, entered, tokenized, decoded. Events wait in a short queue for the
 * caller to read; while it is full, the job decodes nothing.
 */
final class ExplainCall implements ExplainJob.Sink {
  /** Tokens that may wait for the caller to read. */
  static final int EVENTS_MAX = 32;

  /** Bytes gRPC may hold for a caller that does not read, before it says so. */
  private static final int READY_BYTES = 4096;

  private final Serving serving;
  private final ExplainRequest request;
  private final ServerCallStreamObserver<ExplainEvent> caller;
  private final long deadlineNanos = Serving.deadlineNanos();
  private final long arrivalNanos = System.nanoTime();
  private Admission.Ticket ticket;
  private ExplainPlan plan;
  private long seed;
  private double tokenizeSeconds;
  private volatile boolean cancelled;
  private volatile ExplainJob job;
  // Guarded by this:
  private final ArrayDeque<ExplainEvent> events = new ArrayDeque<>();
  private boolean wasFull;
  private boolean complete;
  private boolean closed;

  ExplainCall(
      Serving serving, ExplainRequest request, ServerCallStreamObserver<ExplainEvent> caller) {
    this.serving = serving;
    this.request = request;
    this.caller = caller;
    caller.setOnReadyThreshold(READY_BYTES);
    caller.setOnReadyHandler(this::flush);
    caller.setOnCancelHandler(this::cancel);
  }

  /** Begins; refusals come back before this returns. */
  void start() {
    try {
      serving.gate().enter();
    } catch (FaultException e) {
      close(e);
      return;
    }
    try {
      check();
      ticket = serving.scheduler().admission().enterExplain(samples());
      serving.tokenizers().execute(this::tokenize);
    } catch (RuntimeException e) {
      end(ErrorTable.fault(e));
    }
  }

  private void check() {
    try {
      Checks.check(request, serving.model().limits());
      serving.requireModel(request.getModel());
    } catch (FaultException e) {
      serving.stats().count(Counter.INVALID_REQUESTS);
      throw e;
    }
    serving.stats().count(Counter.EXPLAIN_REQUESTS);
  }

  private int samples() {
    return Math.max(1, request.getSamples());
  }

  private void cancel() {
    cancelled = true;
    ExplainJob current = job;
    if (current != null) {
      current.cancel();
    }
    flush();
  }

  private void tokenize() {
    try {
      if (cancelled) {
        throw FaultException.of(Fault.CANCELLED, "the caller cancelled");
      }
      long start = System.nanoTime();
      plan =
          serving
              .model()
              .explain(
                  request.getQuery(),
                  Wire.item(request.getItem()),
                  Wire.order(request.getOrder(), serving.model()),
                  request.getSampling().getStopList());
      tokenizeSeconds = (System.nanoTime() - start) / 1e9;
      submit();
    } catch (Throwable t) {
      end(ErrorTable.fault(t));
    }
  }

  private void submit() {
    ExplainJob.Work work = ExplainWork.of(serving, request, plan, sampling(), arrivalNanos);
    Scheduler.Capacity capacity = serving.scheduler().capacity();
    int blocks = work.blocks(capacity.blockTokens());
    if (blocks > capacity.blocks()) {
      throw FaultException.of(
          Fault.KV_POOL_TOO_SMALL,
          "expected a pool of at least " + blocks + " KV blocks, found " + capacity.blocks());
    }
    job = new ExplainJob(work, deadlineNanos, ticket, this);
    if (cancelled) {
      job.cancel();
    }
    serving.scheduler().submit(job);
  }

  private Sampling sampling() {
    dev.gavel.v1.Sampling asked = request.getSampling();
    DecodingDefaults defaults = serving.model().decoding();
    seed = asked.hasSeed() ? asked.getSeed() : ThreadLocalRandom.current().nextLong();
    return new Sampling(
        asked.hasTemperature() ? asked.getTemperature() : defaults.temperature(),
        asked.hasTopK() ? asked.getTopK() : defaults.topK(),
        asked.hasTopP() ? asked.getTopP() : defaults.topP(),
        seed);
  }

  @Override
  public synchronized boolean writable() {
    wasFull = events.size() >= EVENTS_MAX;
    return !wasFull;
  }

  @Override
  public void verdict(LabelDistribution distribution) {
    send(
        ExplainEvent.newBuilder()
            .setVerdict(
                Verdict.newBuilder()
                    .setItem(item(distribution))
                    .setModel(Wire.version(serving))
                    .addAllPrefixTokens(
                        Wire.asList(Arrays.copyOf(plan.prompt(), plan.prefixTokens())))
                    .addAllAnswerTokens(Wire.asList(answer(distribution))))
            .build());
  }

  /** What every path says before it reasons. */
  private int[] answer(LabelDistribution distribution) {
    return plan.order() == Order.LABEL_FIRST
        ? plan.afterLabel().get(distribution.best())
        : new int[0];
  }

  private ScoredItem.Builder item(LabelDistribution distribution) {
    int[] own = Arrays.copyOfRange(plan.prompt(), plan.prefixTokens(), plan.prompt().length);
    return Wire.judged(request.getItem().getId(), distribution, serving.model().tierRule())
        .setTruncatedTokens(plan.truncatedTokens())
        .addAllSuffixTokens(Wire.asList(own));
  }

  @Override
  public void token(int sample, String text, int id, double logProbability) {
    send(
        ExplainEvent.newBuilder()
            .setSample(sample)
            .setToken(Token.newBuilder().setText(text).setId(id).setLogProbability(logProbability))
            .build());
  }

  @Override
  public void sampleEnd(
      int sample, ExplainJob.Finish finish, LabelDistribution distribution, int tokens) {
    SampleEnd.Builder end =
        SampleEnd.newBuilder().setFinishReason(Wire.finish(finish)).setTokens(tokens);
    if (distribution != null) {
      end.addAllDistribution(Wire.distribution(distribution));
    }
    send(ExplainEvent.newBuilder().setSample(sample).setSampleEnd(end).build());
  }

  @Override
  public void finished(ExplainJob.Summary summary) {
    Final.Builder last =
        Final.newBuilder()
            .setFinishReason(Wire.finish(summary.finish()))
            .setPromptTokens(summary.promptTokens())
            .setGeneratedTokens(summary.generatedTokens())
            .setSeed(seed)
            .setTimes(Wire.times(tokenizeSeconds, summary.times()))
            .setFirstToken(Wire.duration(summary.firstTokenSeconds()))
            .setDecode(Wire.duration(summary.decodeSeconds()))
            .setItem(item(summary.verdict()));
    synchronized (this) {
      complete = true;
      events.add(ExplainEvent.newBuilder().setFinal(last).build());
    }
    serving.calls().execute(this::flush);
  }

  private void send(ExplainEvent event) {
    synchronized (this) {
      events.add(event);
    }
    serving.calls().execute(this::flush);
  }

  /**
   * Sends what waits while the caller takes it; nothing waits for a caller that has left, who may
   * do so while the job ends. Any thread but the loop's.
   */
  private void flush() {
    boolean left = false;
    boolean wake;
    synchronized (this) {
      if (cancelled) {
        events.clear();
      }
      while (!closed && !events.isEmpty() && caller.isReady()) {
        caller.onNext(events.poll());
      }
      if (complete && events.isEmpty() && !closed) {
        closed = true;
        left = true;
      }
      wake = wasFull && events.size() < EVENTS_MAX;
    }
    if (left) {
      leave();
      if (!caller.isCancelled()) {
        caller.onCompleted();
      }
    } else if (wake) {
      job.wake();
    }
  }

  @Override
  public void failed(FaultException fault) {
    serving.calls().execute(() -> end(fault));
  }

  private void end(FaultException fault) {
    leave();
    close(fault);
  }

  private void close(FaultException fault) {
    synchronized (this) {
      closed = true;
      events.clear();
    }
    if (!caller.isCancelled()) {
      caller.onError(ErrorTable.exception(fault));
    }
  }

  private void leave() {
    if (ticket != null) {
      ticket.close();
    }
    serving.gate().exit();
  }
}
