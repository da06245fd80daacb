package dev.gavel.training.grpo;

import dev.gavel.training.loss.GrpoLoss;
import dev.gavel.training.loss.Responses;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.run.BatchPlan;
import dev.gavel.training.run.GradientExchange;
import dev.gavel.training.run.StepMetrics;
import dev.gavel.training.torch.Torch;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** The gradients of one step on a batch of responses, micro-batch by micro-batch. */
final class PolicyStep {
  private final CausalLm policy;
  private final GrpoSettings settings;
  private final GradientExchange exchange;
  private boolean referred;

  PolicyStep(CausalLm policy, GrpoSettings settings, GradientExchange exchange) {
    this.policy = policy;
    this.settings = settings;
    this.exchange = exchange;
  }

  /** Sums over the drawn tokens of a step. */
  private static final class Sums {
    double loss;
    double kl;
    double clipped;
    double surprise;
    double deviation;
    long rows;
  }

  /** Notes what the reference says of the responses. */
  void refer(CausalLm reference, List<Experience> batch) {
    referred = true;
    for (List<Experience> micro : micros(batch)) {
      double[] logs = reference.score(packed(micro));
      int at = 0;
      for (Experience each : micro) {
        each.reference = Arrays.copyOfRange(logs, at, at + each.drawn());
        at += each.drawn();
      }
    }
  }

  /** Adds the gradients of this worker's responses, over the size of the whole step. */
  StepMetrics accumulate(StepMetrics metrics, List<Experience> batch) {
    long start = System.nanoTime();
    double drawn = batch.stream().mapToInt(Experience::drawn).sum();
    double[] whole = exchange.sum(drawn, batch.size());
    Sums sums = new Sums();
    for (List<Experience> micro : micros(batch)) {
      add(micro, whole, sums);
    }
    double[] all = exchange.sum(sums.loss, sums.kl, sums.clipped, sums.surprise, sums.rows);
    double deviation =
        exchange.gather(Double.toString(sums.deviation)).stream()
            .mapToDouble(Double::parseDouble)
            .max()
            .orElseThrow();
    double seconds = (System.nanoTime() - start) * 1e-9;
    StepMetrics out = metrics.with("loss", all[0]);
    if (referred) {
      out = out.with("kl", all[1] / whole[0]);
    }
    return out.with("clipped_share", all[2] / whole[0])
        .with("ratio_deviation", deviation)
        .with("entropy", all[3] / whole[0])
        .with("training_tokens_per_second", all[4] / seconds);
  }

  /**
   * @param whole drawn tokens and responses of the step over all workers
   */
  private void add(List<Experience> micro, double[] whole, Sums sums) {
    PackedBatch batch = packed(micro);
    Responses responses = new Responses(micro.stream().mapToInt(Experience::drawn).toArray());
    // The loss is a mean over the micro-batch, which is as much of the step.
    double share =
        settings.loss().mean() == GrpoLoss.Mean.TOKEN
            ? responses.tokens() / whole[0]
            : responses.count() / whole[1];
    sums.loss +=
        settings
            .training()
            .gradients()
            .add(
                policy,
                batch,
                logs -> {
                  note(micro, logs, sums);
                  GrpoLoss.Result result = settings.loss().of(rollouts(micro, responses, logs));
                  sums.kl += result.kl() * responses.tokens();
                  sums.clipped += result.clipped() * responses.tokens();
                  sums.deviation = Math.max(sums.deviation, result.deviation());
                  return result.loss().mul(new Scalar(share));
                });
    sums.rows += batch.tokens().length;
  }

  /** Takes the policy's own values as the old ones where there are none yet. */
  private static void note(List<Experience> micro, Tensor logs, Sums sums) {
    double[] values = Torch.doubles(logs);
    sums.surprise -= Arrays.stream(values).sum();
    int at = 0;
    for (Experience each : micro) {
      if (each.old == null) {
        each.old = Arrays.copyOfRange(values, at, at + each.drawn());
      }
      at += each.drawn();
    }
  }

  private GrpoLoss.Rollouts rollouts(List<Experience> micro, Responses responses, Tensor logs) {
    Tensor old = flat(micro, each -> each.old, logs);
    Tensor reference = referred ? flat(micro, each -> each.reference, logs) : null;
    ToDoubleFunction<Experience> advantage = each -> each.advantage;
    double[] advantages = micro.stream().mapToDouble(advantage).toArray();
    return new GrpoLoss.Rollouts(responses, logs, old, reference, advantages);
  }

  private static Tensor flat(
      List<Experience> micro, Function<Experience, double[]> values, Tensor like) {
    return Torch.vector(
        micro.stream().flatMapToDouble(each -> Arrays.stream(values.apply(each))).toArray(), like);
  }

  private List<List<Experience>> micros(List<Experience> batch) {
    int[] lengths = batch.stream().mapToInt(each -> each.sequence.length()).toArray();
    return BatchPlan.micros(lengths, settings.training().microTokens()).stream()
        .map(micro -> Arrays.stream(micro).mapToObj(batch::get).toList())
        .toList();
  }

  private static PackedBatch packed(List<Experience> micro) {
    return PackedBatch.of(micro.stream().map(each -> each.sequence).toList());
  }
}
