package dev.gavel.server.api;

import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.LabelDistribution;
import dev.gavel.server.observability.ServerStats.Counter;
import dev.gavel.server.scheduling.Admission;
import dev.gavel.server.scheduling.DeviceLoop;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import dev.gavel.server.scheduling.ScoreJob;
import dev.gavel.server.scheduling.StageSeconds;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import dev.gavel.v1.ScoredItem;
import java.util.ArrayList;
import java.util.List;

/**
 * One Score request on its way: checked, entered, tokenized, admitted, computed, answered. The
 * outcome comes exactly once, whatever happens, and on no thread that must not wait.
 */
final class ScoreCall implements ScoreJob.Sink {
  /** Where the outcome goes. */
  interface Outcome {
    void answered(ScoreResponse response);

    void failed(FaultException fault);
  }

  private static final StageSeconds NO_STAGES = new StageSeconds(0, 0, 0);

  private final Serving serving;
  private final ScoreRequest request;
  private final long deadlineNanos;
  private final Outcome outcome;
  private Admission.Ticket ticket;
  private EncodedQuery encoded;
  private String[] problems; // [items] why an item has no judgment, or null
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
      ticket = serving.loop().admission().enterScore(request.getItemsCount());
      serving.tokenizers().execute(this::tokenize);
    } catch (RuntimeException e) {
      end(ErrorTable.fault(e));
    }
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
      encoded = serving.model().encode(request.getQuery(), Wire.items(request.getItemsList()));
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
    DeviceLoop.Capacity capacity = serving.loop().capacity();
    List<EncodedItem> good = new ArrayList<>(encoded.items().size());
    problems = new String[encoded.items().size()];
    long rows = encoded.prefix().length;
    for (int i = 0; i < problems.length; i++) {
      EncodedItem item = encoded.items().get(i);
      problems[i] = problem(item, capacity);
      if (problems[i] == null) {
        good.add(item);
        rows += item.suffix().length + capacity.labelRows();
      }
      count(item, problems[i]);
    }
    if (good.isEmpty()) {
      scored(new ScoreJob.Result(new float[0][], new float[0], NO_STAGES));
      return;
    }
    ticket.admit(rows, deadlineNanos);
    ScoreJob.Work work = new ScoreJob.Work(encoded.prefix(), good, request.getLabelMass());
    job = new ScoreJob(work, deadlineNanos, ticket, serving.stats(), this);
    if (cancelled) {
      job.cancel();
    }
    serving.loop().submit(job);
  }

  /** Why an item cannot be computed, or null. */
  private String problem(EncodedItem item, DeviceLoop.Capacity capacity) {
    if (!item.isOk()) {
      return item.problem();
    }
    int rows = encoded.prefix().length + item.suffix().length + capacity.labelRows();
    int most = Math.min(capacity.rowsMax(), serving.model().config().maxPositions());
    return rows <= most
        ? null
        : "expected at most " + most + " tokens with prompt and label, found " + rows;
  }

  private void count(EncodedItem item, String problem) {
    if (problem != null) {
      serving.stats().count(Counter.BAD_ITEMS);
    } else if (item.truncatedTokens() > 0) {
      serving.stats().count(Counter.TRUNCATED_ITEMS);
    }
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
      response = response(result);
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

  private ScoreResponse response(ScoreJob.Result result) {
    ScoreResponse.Builder response =
        ScoreResponse.newBuilder()
            .setRequestId(request.getRequestId())
            .setModel(Wire.version(serving.model(), serving.engine()))
            .setTimes(Wire.times(tokenizeSeconds, result.times()));
    int computed = 0;
    for (int i = 0; i < problems.length; i++) {
      String id = request.getItems(i).getId();
      response.addItems(
          problems[i] == null
              ? scoredItem(i, id, result, computed++)
              : Wire.failed(id, Fault.ITEM_REFUSED, problems[i]));
    }
    if (request.getTokens()) {
      response
          .addAllPrefixTokens(Wire.asList(encoded.prefix()))
          .addAllLabelTokens(Wire.labelTokens(serving.model()));
    }
    return response.build();
  }

  private ScoredItem.Builder scoredItem(int item, String id, ScoreJob.Result result, int row) {
    LabelDistribution distribution;
    try {
      distribution = LabelDistribution.of(serving.model().labels(), result.logProbabilities()[row]);
    } catch (IllegalArgumentException e) {
      return Wire.failed(id, Fault.INTERNAL, "no distribution: " + e.getMessage());
    }
    EncodedItem own = encoded.items().get(item);
    ScoredItem.Builder scored =
        Wire.judged(id, distribution, serving.model().tierRule())
            .setTruncatedTokens(own.truncatedTokens());
    if (request.getLabelMass()) {
      scored.setLogLabelMass(result.logMass()[row]);
    }
    return request.getTokens() ? Wire.tokens(scored, own) : scored;
  }
}
