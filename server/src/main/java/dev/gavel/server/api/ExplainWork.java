package dev.gavel.server.api;

import dev.gavel.engine.Sampling;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.scheduling.ExplainJob;
import dev.gavel.server.scheduling.FaultException;
import dev.gavel.server.scheduling.Scheduler;
import dev.gavel.v1.ExplainRequest;
import java.util.List;

/** Fits an explanation into context and batch. */
final class ExplainWork {
  private ExplainWork() {}

  /**
   * The work with as many reasoning tokens as were asked for and fit.
   *
   * @throws FaultException INVALID_REQUEST if the prompt leaves no room
   */
  static ExplainJob.Work of(
      Serving serving,
      ExplainRequest request,
      ExplainPlan plan,
      Sampling sampling,
      long arrivalNanos) {
    RelevanceModel model = serving.model();
    int asked =
        request.getSampling().hasMaxTokens()
            ? request.getSampling().getMaxTokens()
            : model.limits().explainTokensMax();
    ExplainJob.Work work =
        new ExplainJob.Work(
            model, plan, sampling, Math.max(1, request.getSamples()), asked, arrivalNanos);
    int context = model.config().maxPositions();
    int fixed = plan.prompt().length + work.forcedTokensMax() + tail(model, plan);
    if (fixed >= context) {
      throw FaultException.invalid(
          "item", "expected fewer than " + context + " tokens in all, found " + fixed);
    }
    requireFits(serving.scheduler().capacity(), plan);
    return new ExplainJob.Work(
        model, plan, sampling, work.samples(), Math.min(asked, context - fixed), arrivalNanos);
  }

  /** Tokens behind the reasoning: the cue for the verdict and the longest label. */
  private static int tail(RelevanceModel model, ExplainPlan plan) {
    int longest =
        model.labelTokens().stream()
            .flatMap(List::stream)
            .mapToInt(form -> form.length)
            .max()
            .orElse(0);
    return plan.order() == dev.gavel.relevance.Order.THINK_FIRST
        ? plan.verdictCue().length + longest
        : 0;
  }

  private static void requireFits(Scheduler.Capacity capacity, ExplainPlan plan) {
    int rows = plan.prompt().length + capacity.labelRows();
    if (rows > capacity.rowsMax()) {
      throw FaultException.invalid(
          "item",
          "expected a prompt of at most "
              + capacity.rowsMax()
              + " tokens with the labels', found "
              + rows);
    }
  }
}
