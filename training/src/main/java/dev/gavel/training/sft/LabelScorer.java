package dev.gavel.training.sft;

import dev.gavel.relevance.LabelDistribution;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.GradeIndex;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.evaluation.Scored;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.model.PackedBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Scores judged pairs with a model that is being trained, as the engine would: the label follows
 * the prompt, its surface forms add up. Prompts are encoded once.
 */
public final class LabelScorer {
  /** A label's surface form as targets {@code from} to {@code to} of its pair's sequences. */
  private record Form(int label, int from, int to) {}

  /** A pair: the prompt with all forms of one token, then every longer form with the prompt. */
  private record Pair(
      Judgment judgment, int truth, List<PackedBatch.Sequence> sequences, List<Form> forms) {}

  private final RelevanceModel model;
  private final List<Pair> pairs = new ArrayList<>();

  /**
   * Encodes the pairs.
   *
   * @throws IllegalArgumentException naming the first pair without a grade of the label set, or
   *     that cannot be judged
   */
  public LabelScorer(RelevanceModel model, List<Judgment> judgments) {
    this.model = model;
    ResponseEncoder encoder = new ResponseEncoder(model, ResponseEncoder.Form.LABEL_ONLY);
    for (Judgment judgment : judgments) {
      pairs.add(pair(judgment, encoder.prompt(judgment)));
    }
  }

  private Pair pair(Judgment judgment, int[] prompt) {
    List<PackedBatch.Sequence> sequences = new ArrayList<>();
    List<Form> forms = new ArrayList<>();
    List<Integer> single = new ArrayList<>();
    List<List<int[]>> labels = model.labelTokens();
    for (int label = 0; label < labels.size(); label++) {
      for (int[] form : labels.get(label)) {
        if (form.length == 1) {
          forms.add(new Form(label, single.size(), single.size() + 1));
          single.add(form[0]);
        }
      }
    }
    if (!single.isEmpty()) {
      int[] choices = single.stream().mapToInt(Integer::intValue).toArray();
      sequences.add(PackedBatch.Sequence.soft(prompt, choices, new double[choices.length]));
    }
    int at = single.size();
    for (int label = 0; label < labels.size(); label++) {
      for (int[] form : labels.get(label)) {
        if (form.length > 1) {
          forms.add(new Form(label, at, at + form.length));
          at += form.length;
          sequences.add(PackedBatch.Sequence.of(prompt, form));
        }
      }
    }
    return new Pair(judgment, GradeIndex.of(model.labels(), judgment), sequences, forms);
  }

  /**
   * Scores all pairs; the answers are in their order.
   *
   * @param microTokens tokens of a batch, unless one pair alone has more
   */
  public List<Scored> score(CausalLm trained, int microTokens) {
    List<Scored> out = new ArrayList<>();
    List<Pair> batch = new ArrayList<>();
    int tokens = 0;
    for (Pair pair : pairs) {
      int more = pair.sequences().stream().mapToInt(PackedBatch.Sequence::length).sum();
      if (!batch.isEmpty() && tokens + more > microTokens) {
        out.addAll(score(trained, batch));
        batch.clear();
        tokens = 0;
      }
      batch.add(pair);
      tokens += more;
    }
    if (!batch.isEmpty()) {
      out.addAll(score(trained, batch));
    }
    return out;
  }

  private List<Scored> score(CausalLm trained, List<Pair> batch) {
    List<PackedBatch.Sequence> sequences =
        batch.stream().flatMap(pair -> pair.sequences().stream()).toList();
    double[] logs = trained.score(PackedBatch.of(sequences));
    List<Scored> out = new ArrayList<>();
    int at = 0;
    for (Pair pair : batch) {
      double[] weights = new double[model.labels().size()];
      Arrays.fill(weights, Double.NEGATIVE_INFINITY);
      for (Form form : pair.forms()) {
        int from = at + form.from();
        double log = Arrays.stream(logs, from, at + form.to()).sum();
        weights[form.label()] = logSumExp(weights[form.label()], log);
      }
      at += pair.forms().stream().mapToInt(form -> form.to() - form.from()).sum();
      LabelDistribution distribution = LabelDistribution.of(model.labels(), weights);
      double[] probabilities =
          IntStream.range(0, weights.length).mapToDouble(distribution::probability).toArray();
      out.add(
          new Scored(pair.judgment().id(), pair.judgment().query(), pair.truth(), probabilities));
    }
    return out;
  }

  private static double logSumExp(double a, double b) {
    double max = Math.max(a, b);
    return max == Double.NEGATIVE_INFINITY ? max : max + Math.log1p(Math.exp(-Math.abs(a - b)));
  }
}
