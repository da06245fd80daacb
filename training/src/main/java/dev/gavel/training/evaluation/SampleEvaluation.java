package dev.gavel.training.evaluation;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gavel.relevance.Label;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sampled responses to judged pairs.
 *
 * @param vote pairs by the label that most of their responses give; of several such the one given
 *     first. With one greedy response it is the verdict of a model that thinks first
 * @param passAt pass@1, pass@2 and so on, up to the least number of samples of a pair
 */
public record SampleEvaluation(
    List<Label> labels,
    int pairs,
    ConfusionMatrix vote,
    List<Double> passAt,
    Hallucination hallucination) {
  public SampleEvaluation {
    labels = List.copyOf(labels);
    passAt = List.copyOf(passAt);
  }

  /**
   * Evaluates.
   *
   * @param pairs the responses to each pair, at least one each
   */
  public static SampleEvaluation of(List<Label> labels, List<List<Hallucination.Response>> pairs) {
    List<boolean[]> right = new ArrayList<>();
    long[][] votes = new long[labels.size()][labels.size()];
    for (List<Hallucination.Response> own : pairs) {
      boolean[] correct = new boolean[own.size()];
      for (int i = 0; i < correct.length; i++) {
        correct[i] = own.get(i).label() == own.get(i).truth();
      }
      right.add(correct);
      votes[own.get(0).truth()][vote(own, labels.size())]++;
    }
    int each = right.stream().mapToInt(own -> own.length).min().orElse(0);
    List<Double> passAt =
        IntStream.rangeClosed(1, each).mapToObj(k -> Rates.passAt(k, right)).toList();
    return new SampleEvaluation(
        labels,
        pairs.size(),
        ConfusionMatrix.of(votes),
        passAt,
        Hallucination.of(pairs.stream().flatMap(List::stream).toList()));
  }

  private static int vote(List<Hallucination.Response> responses, int labels) {
    long[] votes = new long[labels];
    responses.forEach(each -> votes[each.label()]++);
    int best = responses.get(0).label();
    for (Hallucination.Response each : responses) {
      best = votes[each.label()] > votes[best] ? each.label() : best;
    }
    return best;
  }

  /** For {@code gavel evaluate --json}; a rate that does not exist is null. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("pairs", pairs).put("responses", hallucination.responses());
    json.set("vote", Evaluation.metrics(labels, vote));
    ArrayNode passes = json.putArray("pass_at");
    passAt.forEach(passes::add);
    double rate = hallucination.rate();
    json.putObject("hallucination")
        .put("rate", Double.isFinite(rate) ? (Double) rate : null)
        .put("concluded", hallucination.concluded())
        .put("sound_but_wrong", hallucination.soundButWrong())
        .put("right_but_unsound", hallucination.rightButUnsound())
        .put("both_wrong", hallucination.bothWrong());
    return json;
  }
}
