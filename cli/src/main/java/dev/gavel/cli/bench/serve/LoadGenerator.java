package dev.gavel.cli.bench.serve;

import dev.gavel.cli.client.Sidecar;
import dev.gavel.v1.ScoreRequest;
import dev.gavel.v1.ScoreResponse;
import io.grpc.stub.StreamObserver;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends calls from one thread. In an open phase each has its time, fixed before the phase begins:
 * whether earlier ones were answered makes no difference. Each request is made before its time has
 * come.
 */
final class LoadGenerator {
  private final Sidecar sidecar;
  private final RequestMaker requests;
  private final Arrivals arrivals;
  private final SplittableRandom random;

  LoadGenerator(
      Sidecar sidecar, RequestMaker requests, Arrivals arrivals, SplittableRandom random) {
    this.sidecar = sidecar;
    this.requests = requests;
    this.arrivals = arrivals;
    this.random = random;
  }

  /** Runs a phase and waits until its last call has ended. */
  PhaseResult run(Phase phase) throws InterruptedException {
    Tally tally = new Tally();
    Semaphore ended = new Semaphore(0);
    long start = System.nanoTime();
    int sent =
        phase.isOpen()
            ? runOpen(phase, tally, ended, start)
            : runClosed(phase, tally, ended, start);
    ended.acquire(sent);
    return tally.result(phase, start);
  }

  private int runOpen(Phase phase, Tally tally, Semaphore ended, long start) {
    int sent = 0;
    double gap = TimeUnit.SECONDS.toNanos(1) / phase.rate();
    double length = phase.seconds() * TimeUnit.SECONDS.toNanos(1);
    for (double at = gap * arrivals.gap(random); at < length; at += gap * arrivals.gap(random)) {
      ScoreRequest request = requests.next();
      long intended = start + (long) at;
      sleepUntil(intended);
      send(phase, request, new Call(tally, intended, ended::release));
      sent++;
    }
    return sent;
  }

  private int runClosed(Phase phase, Tally tally, Semaphore ended, long start)
      throws InterruptedException {
    int sent = 0;
    long length = (long) (phase.seconds() * TimeUnit.SECONDS.toNanos(1));
    Semaphore free = new Semaphore(phase.clients());
    while (System.nanoTime() - start < length) {
      ScoreRequest request = requests.next();
      free.acquire();
      Runnable atEnd =
          () -> {
            free.release();
            ended.release();
          };
      send(phase, request, new Call(tally, System.nanoTime(), atEnd));
      sent++;
    }
    return sent;
  }

  private static void sleepUntil(long time) {
    long left = time - System.nanoTime();
    while (left > 0) {
      LockSupport.parkNanos(left);
      left = time - System.nanoTime();
    }
  }

  private void send(Phase phase, ScoreRequest request, Call call) {
    call.tally.sent(call.intended, System.nanoTime());
    sidecar.score(request, phase.deadline(), call);
  }

  /** One call that is on its way. */
  private static final class Call implements StreamObserver<ScoreResponse> {
    private final Tally tally;
    private final long intended;
    private final Runnable atEnd;
    private ScoreResponse response;

    Call(Tally tally, long intended, Runnable atEnd) {
      this.tally = tally;
      this.intended = intended;
      this.atEnd = atEnd;
    }

    @Override
    public void onNext(ScoreResponse value) {
      response = value;
    }

    @Override
    public void onCompleted() {
      tally.answered(intended, System.nanoTime(), response);
      atEnd.run();
    }

    @Override
    public void onError(Throwable failure) {
      tally.failed(intended, System.nanoTime(), Outcome.of(failure));
      atEnd.run();
    }
  }
}
