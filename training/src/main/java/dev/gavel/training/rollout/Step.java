package dev.gavel.training.rollout;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** One batch in the making, and who waits for its results. */
final class Step {
  private final PolicyEngine.Device device;
  private final List<Consumer<BatchResult>> answers = new ArrayList<>();

  Step(PolicyEngine.Device device) {
    this.device = device;
    device.batch().clear();
    device.batch().labels(device.labels(), true);
  }

  Batch batch() {
    return device.batch();
  }

  /** Rows of a scored sequence of {@code tokens} tokens. */
  int scoredRows(int tokens) {
    return tokens + device.labels().extraRows();
  }

  /** Rows that can still be added. */
  int room() {
    int extra = batch().count(Batch.Output.LABELS) * device.labels().extraRows();
    return device.options().batchTokensMax() - batch().tokens() - extra;
  }

  boolean isEmpty() {
    return batch().size() == 0;
  }

  /** Adds what is to be done with the results, in the order of adding. */
  void then(Consumer<BatchResult> answer) {
    answers.add(answer);
  }

  /** The last added sequence yields the labels' log-probabilities over the whole vocabulary. */
  void thenLabels(Consumer<double[]> answer) {
    int index = batch().count(Batch.Output.LABELS);
    batch().score();
    answers.add(
        result -> {
          float[] within = result.labelLogProbabilities(index);
          double[] out = new double[within.length];
          for (int i = 0; i < out.length; i++) {
            out[i] = Math.min(0, (double) within[i] + result.labelLogMass(index));
          }
          answer.accept(out);
        });
  }

  /** The last added sequence yields the log-probability of one token. */
  void thenToken(int token, Consumer<Double> answer) {
    int index = batch().count(Batch.Output.LOGITS);
    batch().logits();
    answers.add(result -> answer.accept(logProbability(result.logits(index), token)));
  }

  private static double logProbability(float[] logits, int token) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return logits[token] - max - Math.log(sum);
  }

  /** Computes the batch and hands out its results. */
  void run() {
    device.engine().run(batch(), device.result());
    answers.forEach(answer -> answer.accept(device.result()));
  }
}
