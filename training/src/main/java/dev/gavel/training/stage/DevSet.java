package dev.gavel.training.stage;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.data.JudgmentFile;
import dev.gavel.training.evaluation.ConfusionMatrix;
import dev.gavel.training.evaluation.Decision;
import dev.gavel.training.evaluation.Scored;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.sft.LabelScorer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A judged file on which a model is watched while it trains. */
public final class DevSet {
  private final int labels;
  private final int microTokens;
  private final LabelScorer scorer;

  /**
   * Reads and encodes the file.
   *
   * @param microTokens tokens of a batch
   */
  public DevSet(RelevanceModel model, Path file, int microTokens) {
    this.labels = model.labels().size();
    this.microTokens = microTokens;
    List<Judgment> pairs = JudgmentFile.read(file);
    if (pairs.isEmpty()) {
      throw new IllegalArgumentException(file + ": expected judged pairs, found none");
    }
    try {
      this.scorer = new LabelScorer(model, pairs);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Metrics of the most probable label: {@code dev_macro_f1}, {@code dev_qwk}, {@code
   * dev_accuracy}, and {@code dev_nll}, the mean negative log-probability of the right label among
   * the labels. A kappa without meaning (one class only) is 0.
   */
  public Map<String, Double> evaluate(CausalLm model) {
    List<Scored> scored = scorer.score(model, microTokens);
    ConfusionMatrix matrix = ConfusionMatrix.of(scored, labels, Decision.ARGMAX);
    double kappa = matrix.quadraticWeightedKappa();
    Map<String, Double> out = new LinkedHashMap<>();
    out.put("dev_macro_f1", matrix.macroF1());
    out.put("dev_qwk", Double.isNaN(kappa) ? 0 : kappa);
    out.put("dev_accuracy", matrix.accuracy());
    out.put("dev_nll", scored.stream().mapToDouble(DevSet::nll).average().orElseThrow());
    return out;
  }

  /** A probability of 0 counts as the smallest that a double can tell from it. */
  private static double nll(Scored pair) {
    return -Math.log(Math.max(pair.probabilities()[pair.truth()], Double.MIN_NORMAL));
  }
}
