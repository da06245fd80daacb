package dev.gavel.server.api;

import dev.gavel.server.scheduling.FaultException;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One ScoreStream. At most {@code streamCallsMax} requests are taken from the caller and not yet
 * answered, and none is taken while the caller does not read the answers; so neither side is ever
 * flooded. Ids must be unique among the requests in flight.
 */
final class ScoreStreamCall implements StreamObserver<ScoreRequest> {
  private final Serving serving;
  private final ServerCallStreamObserver<ScoreResponse> caller;
  private final long deadlineNanos = Serving.deadlineNanos();
  // Guarded by this:
  private final Map<String, ScoreCall> inFlight = new HashMap<>();
  private int credits;
  private boolean halfClosed;
  private boolean closed;

  ScoreStreamCall(Serving serving, ServerCallStreamObserver<ScoreResponse> caller) {
    this.serving = serving;
    this.caller = caller;
    caller.disableAutoRequest();
    caller.setOnReadyHandler(this::spendCredits);
    caller.setOnCancelHandler(this::cancelAll);
    caller.request(serving.streamCallsMax());
  }

  @Override
  public void onNext(ScoreRequest request) {
    String id = request.getRequestId();
    ScoreCall call = new ScoreCall(serving, request, deadlineNanos, new Answer(id));
    synchronized (this) {
      if (closed) {
        return;
      }
      if (inFlight.containsKey(id)) {
        send(
            failure(
                id,
                FaultException.invalid(
                    "request_id", "expected one not in flight, found " + Checks.quote(id))));
        return;
      }
      inFlight.put(id, call);
    }
    call.start(true);
  }

  @Override
  public void onError(Throwable thrown) {
    cancelAll();
  }

  @Override
  public synchronized void onCompleted() {
    halfClosed = true;
    completeIfDone();
  }

  private void cancelAll() {
    List<ScoreCall> calls;
    synchronized (this) {
      closed = true;
      calls = List.copyOf(inFlight.values());
    }
    calls.forEach(ScoreCall::cancel);
  }

  private static ScoreResponse failure(String id, FaultException fault) {
    return ScoreResponse.newBuilder().setRequestId(id).setStatus(ErrorTable.status(fault)).build();
  }

  private synchronized void send(ScoreResponse response) {
    if (closed || caller.isCancelled()) {
      return;
    }
    caller.onNext(response);
    credits++;
    spendCredits();
    completeIfDone();
  }

  /** Takes as many requests as were answered, if the caller reads the answers. */
  private synchronized void spendCredits() {
    if (credits > 0 && !closed && caller.isReady()) {
      caller.request(credits);
      credits = 0;
    }
  }

  private synchronized void completeIfDone() {
    if (halfClosed && inFlight.isEmpty() && !closed) {
      closed = true;
      caller.onCompleted();
    }
  }

  private final class Answer implements ScoreCall.Outcome {
    private final String id;

    Answer(String id) {
      this.id = id;
    }

    @Override
    public void answered(ScoreResponse response) {
      synchronized (ScoreStreamCall.this) {
        inFlight.remove(id);
        send(response);
      }
    }

    @Override
    public void failed(FaultException fault) {
      answered(failure(id, fault));
    }
  }
}
