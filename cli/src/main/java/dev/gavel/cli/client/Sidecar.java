package dev.gavel.cli.client;

import dev.gavel.v1.ExplainEvent;
import dev.gavel.v1.ExplainRequest;
import dev.gavel.v1.GetModelRequest;
import dev.gavel.v1.Model;
import dev.gavel.v1.RelevanceGrpc;
import dev.gavel.v1.RelevanceGrpc.RelevanceBlockingStub;
import dev.gavel.v1.RelevanceGrpc.RelevanceStub;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;

/**
 * A sidecar as its clients see it: blocking calls that throw {@link
 * io.grpc.StatusRuntimeException}. Closing it closes the channel, and the server where it was
 * started in this process.
 */
public final class Sidecar implements AutoCloseable {
  private final Channels.Open channel;
  private final Duration deadline;
  private final Runnable closeServer;

  private Sidecar(Channels.Open channel, Duration deadline, Runnable closeServer) {
    this.channel = channel;
    this.deadline = deadline;
    this.closeServer = closeServer;
  }

  /**
   * Connects to a running server; the connection itself is made with the first call.
   *
   * @param deadline of every call; zero is none
   */
  public static Sidecar connect(Target target, Duration deadline) {
    return new Sidecar(Channels.open(target), deadline, () -> {});
  }

  /** The same, and {@code closeServer} runs when it is closed. */
  static Sidecar connect(Target target, Duration deadline, Runnable closeServer) {
    return new Sidecar(Channels.open(target), deadline, closeServer);
  }

  public ScoreResponse score(ScoreRequest request) {
    return stub().score(request);
  }

  /**
   * Without waiting for the answer.
   *
   * @param within the call's deadline; zero is none
   * @param answer called by the channel's own threads: it must be quick
   */
  public void score(ScoreRequest request, Duration within, StreamObserver<ScoreResponse> answer) {
    RelevanceStub stub = RelevanceGrpc.newStub(channel.channel()).withExecutor(Runnable::run);
    if (!within.isZero()) {
      stub = stub.withDeadlineAfter(within.toNanos(), TimeUnit.NANOSECONDS);
    }
    stub.score(request, answer);
  }

  /** Events as they arrive. */
  public Iterator<ExplainEvent> explain(ExplainRequest request) {
    return stub().explain(request);
  }

  /** The default model. */
  public Model model() {
    return stub().getModel(GetModelRequest.getDefaultInstance());
  }

  /** Health of {@code service}; the empty name is the whole server. */
  public ServingStatus health(String service) {
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel.channel());
    if (!deadline.isZero()) {
      health = health.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
    }
    return health.check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus();
  }

  private RelevanceBlockingStub stub() {
    RelevanceBlockingStub stub = RelevanceGrpc.newBlockingStub(channel.channel());
    return deadline.isZero()
        ? stub
        : stub.withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public void close() {
    channel.close().run();
    closeServer.run();
  }
}
