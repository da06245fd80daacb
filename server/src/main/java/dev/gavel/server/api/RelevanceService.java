package dev.gavel.server.api;

import dev.gavel.server.scheduling.FaultException;
import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.GetModelRequest;
import dev.gavel.v1.Model;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** The Relevance service; each call's life is in its own class. */
public final class RelevanceService extends RelevanceGrpc.RelevanceImplBase {
  private final Serving serving;

  private RelevanceService(Serving serving) {
    this.serving = serving;
  }

  /** The service, to be added to a gRPC server. */
  public static ServerServiceDefinition define(Serving serving) {
    return ParseGuard.guard(new RelevanceService(serving).bindService(), serving.requestBytesMax());
  }

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> responses) {
    ServerCallStreamObserver<ScoreResponse> caller =
        (ServerCallStreamObserver<ScoreResponse>) responses;
    ScoreCall call =
        new ScoreCall(serving, request, Serving.deadlineNanos(), new UnaryOutcome(caller));
    caller.setOnCancelHandler(call::cancel);
    call.start(false);
  }

  @Override
  public StreamObserver<ScoreRequest> scoreStream(StreamObserver<ScoreResponse> responses) {
    return new ScoreStreamCall(serving, (ServerCallStreamObserver<ScoreResponse>) responses);
  }

  @Override
  public void explain(ExplainRequest request, StreamObserver<ExplainEvent> responses) {
    new ExplainCall(serving, request, (ServerCallStreamObserver<ExplainEvent>) responses).start();
  }

  @Override
  public void getModel(GetModelRequest request, StreamObserver<Model> responses) {
    try {
      serving.requireModel(request.getModel());
      responses.onNext(Wire.model(serving));
      responses.onCompleted();
    } catch (FaultException e) {
      responses.onError(ErrorTable.exception(e));
    }
  }

  private record UnaryOutcome(ServerCallStreamObserver<ScoreResponse> caller)
      implements ScoreCall.Outcome {
    @Override
    public void answered(ScoreResponse response) {
      if (!caller.isCancelled()) {
        caller.onNext(response);
        caller.onCompleted();
      }
    }

    @Override
    public void failed(FaultException fault) {
      if (!caller.isCancelled()) {
        caller.onError(ErrorTable.exception(fault));
      }
    }
  }
}
