package dev.gavel.training.evaluation;

import java.util.List;
import java.util.OptionalInt;

/**
 * How often a response contradicts itself: its reasoning comes to another label than the response
 * gives (TaoSR1's discriminative hallucination).
 *
 * @param responses all
 * @param concluded those whose reasoning comes to a label at all
 * @param soundButWrong the reasoning comes to the judged label, the response says another
 * @param rightButUnsound the response says the judged label, the reasoning comes to another
 * @param bothWrong reasoning and response contradict each other, and neither is right
 */
public record Hallucination(
    long responses, long concluded, long soundButWrong, long rightButUnsound, long bothWrong) {

  /**
   * One response.
   *
   * @param truth index of the judged label
   * @param label index of the label that it gives
   * @param conclusion index of the label that its reasoning comes to
   */
  public record Response(int truth, int label, OptionalInt conclusion) {}

  /** Counts. */
  public static Hallucination of(List<Response> responses) {
    long concluded = 0;
    long sound = 0;
    long right = 0;
    long neither = 0;
    for (Response each : responses) {
      if (each.conclusion().isEmpty()) {
        continue;
      }
      concluded++;
      int conclusion = each.conclusion().getAsInt();
      if (conclusion != each.label()) {
        sound += conclusion == each.truth() ? 1 : 0;
        right += each.label() == each.truth() ? 1 : 0;
        neither += conclusion != each.truth() && each.label() != each.truth() ? 1 : 0;
      }
    }
    return new Hallucination(responses.size(), concluded, sound, right, neither);
  }

  /** Contradictions. */
  public long count() {
    return soundButWrong + rightButUnsound + bothWrong;
  }

  /** Share of contradictions among responses with a conclusion; NaN without any. */
  public double rate() {
    return count() / (double) concluded;
  }

  /** Share of responses whose reasoning comes to a label. */
  public double coverage() {
    return concluded / (double) responses;
  }
}
