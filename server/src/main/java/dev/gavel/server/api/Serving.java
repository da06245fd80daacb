package dev.gavel.server.api;

import dev.gavel.engine.EngineInfo;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.observability.ServerStats;
import dev.gavel.server.results.ResultCache;
import dev.gavel.server.scheduling.Fault;
import dev.gavel.server.scheduling.FaultException;
import dev.gavel.server.scheduling.Job;
import dev.gavel.server.scheduling.Scheduler;
import io.grpc.Context;
import io.grpc.Deadline;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * What every call needs.
 *
 * @param engine what all devices' engines have in common
 * @param device where scores are computed, as {@link dev.gavel.v1.ModelVersion} says it
 * @param devices as they are now
 * @param calls runs callbacks and answers; never rejects while the server runs
 * @param tokenizers renders and tokenizes
 * @param results judgments of this model
 * @param requestBytesMax bytes of one request message
 * @param streamCallsMax requests of one ScoreStream that are worked on at once
 */
public record Serving(
    RelevanceModel model,
    EngineInfo engine,
    String device,
    Scheduler scheduler,
    Supplier<List<DeviceReport>> devices,
    Executor calls,
    Executor tokenizers,
    ServerStats stats,
    CallGate gate,
    ResultCache.Generation results,
    int requestBytesMax,
    int streamCallsMax) {

  /**
   * Checks the model's name.
   *
   * @throws FaultException UNKNOWN_MODEL
   */
  void requireModel(String name) {
    if (!name.isEmpty() && !name.equals(model.name())) {
      throw FaultException.of(
          Fault.UNKNOWN_MODEL,
          "model: expected \"" + model.name() + "\" or nothing, found " + Checks.quote(name));
    }
  }

  /** The current call's deadline on the scale of {@link System#nanoTime}. */
  static long deadlineNanos() {
    Deadline deadline = Context.current().getDeadline();
    if (deadline == null) {
      return Job.NO_DEADLINE;
    }
    long left = deadline.timeRemaining(TimeUnit.NANOSECONDS);
    long now = System.nanoTime();
    long sum = now + left;
    boolean overflows = left > 0 && sum < now;
    return overflows ? Job.NO_DEADLINE : sum;
  }
}
