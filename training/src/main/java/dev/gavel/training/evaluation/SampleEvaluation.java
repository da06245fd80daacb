package dev.gavel.training.evaluation;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sampled responses to judged pairs.
 *
 * @param passAt pass@1, pass@2 and so on, up to the least number of samples of a pair
 */
public record SampleEvaluation(int pairs, List<Double> passAt, Hallucination hallucination) {
  public SampleEvaluation {
    passAt = List.copyOf(passAt);
  }

  /**
   * Evaluates.
   *
   * @param pairs the responses to each pair, at least one each
   */
  public static SampleEvaluation of(List<List<Hallucination.Response>> pairs) {
    List<boolean[]> right = new ArrayList<>();
    for (List<Hallucination.Response> own : pairs) {
      boolean[] correct = new boolean[own.size()];
      for (int i = 0; i < correct.length; i++) {
        correct[i] = own.get(i).label() == own.get(i).truth();
      }
      right.add(correct);
    }
    int each = right.stream().mapToInt(own -> own.length).min().orElse(0);
    List<Double> passAt =
        IntStream.rangeClosed(1, each).mapToObj(k -> Rates.passAt(k, right)).toList();
    return new SampleEvaluation(
        pairs.size(), passAt, Hallucination.of(pairs.stream().flatMap(List::stream).toList()));
  }

  /** For {@code gavel evaluate --json}; a rate that does not exist is null. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("pairs", pairs).put("responses", hallucination.responses());
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
