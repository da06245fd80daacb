package dev.gavel.training.sft;

import dev.gavel.relevance.EncodedItem;
import dev.gavel.relevance.EncodedQuery;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.InvalidRequestException;
import dev.gavel.relevance.Order;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.model.PackedBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Turns judged pairs into what the model is to write, token for token as the server will read it:
 * the same prompt, the label's first surface form, the same cues.
 */
public final class ResponseEncoder {
  /** What the response holds. */
  public enum Form {
    /** The label. */
    LABEL_ONLY,
    /** The label, the cue to reason, the reasoning, the end (respond-then-think). */
    LABEL_FIRST,
    /** The reasoning, the cue for the verdict, the label (think-then-respond). */
    THINK_FIRST
  }

  private final RelevanceModel model;
  private final Form form;

  public ResponseEncoder(RelevanceModel model, Form form) {
    this.model = model;
    this.form = form;
  }

  /**
   * Encodes a pair with a loss weight for each label and for the reasoning. What the server writes
   * itself, the cue after a label, is not learned. Without a rationale there is only the label.
   * Where several labels count they are told apart by their first tokens.
   *
   * @throws IllegalArgumentException naming the pair, if it cannot be judged; or if several labels
   *     count and two begin alike
   */
  public PackedBatch.Sequence encode(Judgment judgment, LabelTarget target) {
    ResponseBuilder response;
    if (form == Form.LABEL_ONLY || judgment.rationale().isBlank()) {
      response = new ResponseBuilder(prompt(judgment));
      addLabel(response, judgment, target);
      return response.build();
    }
    int[] reasoning = model.tokenize(judgment.rationale());
    double weight = target.rationaleWeight();
    if (form == Form.THINK_FIRST) {
      ExplainPlan plan = plan(judgment);
      response = new ResponseBuilder(plan.prompt());
      response.learn(reasoning, weight);
      response.learn(plan.verdictCue(), weight); // by it the reasoning ends
      addLabel(response, judgment, target);
      return response.build();
    }
    ExplainPlan plan = plan(judgment);
    response = new ResponseBuilder(plan.prompt());
    addLabel(response, judgment, target);
    int[] after = plan.afterLabel().get(target.label());
    response.read(Arrays.copyOfRange(after, form(target.label()).length, after.length));
    response.learn(reasoning, weight);
    response.learn(end(plan), weight);
    return response.build();
  }

  private void addLabel(ResponseBuilder response, Judgment judgment, LabelTarget target) {
    if (target.weights().length != model.labels().size()) {
      throw wrong(judgment, model.labels().size() + " label weights", target.weights().length);
    }
    int[] written = form(target.label());
    if (target.isHard()) {
      response.learn(written, target.weights()[target.label()]);
      return;
    }
    response.choose(firstTokens(), target.weights());
    response.read(written);
  }

  /** The first token of each label; all different. */
  private int[] firstTokens() {
    int[] first = IntStream.range(0, model.labels().size()).map(i -> form(i)[0]).toArray();
    if (Arrays.stream(first).distinct().count() < first.length) {
      throw new IllegalArgumentException(
          "soft labels: expected labels with different first tokens, found "
              + Arrays.toString(first));
    }
    return first;
  }

  private int[] form(int label) {
    return model.labelTokens().get(label).get(0);
  }

  /** The label-first prompt. */
  int[] prompt(Judgment judgment) {
    EncodedQuery encoded;
    try {
      encoded = model.encode(judgment.query(), List.of(judgment.item()));
    } catch (InvalidRequestException e) {
      throw new IllegalArgumentException("pair " + judgment.id() + ": " + e.getMessage(), e);
    }
    EncodedItem item = encoded.items().get(0);
    if (!item.isOk()) {
      throw wrong(judgment, "an item that can be judged", item.problem());
    }
    return joined(encoded.prefix(), item.suffix());
  }

  /**
   * Prompt, cues and ends of a pair in this form's order.
   *
   * @throws IllegalArgumentException naming the pair, if it cannot be judged
   */
  public ExplainPlan plan(Judgment judgment) {
    Order order = form == Form.THINK_FIRST ? Order.THINK_FIRST : Order.LABEL_FIRST;
    try {
      return model.explain(judgment.query(), judgment.item(), order, List.of());
    } catch (InvalidRequestException e) {
      throw new IllegalArgumentException("pair " + judgment.id() + ": " + e.getMessage(), e);
    }
  }

  /** The end token, or nothing where the model has none. */
  public static int[] end(ExplainPlan plan) {
    return plan.endTokens().stream().mapToInt(Integer::intValue).sorted().limit(1).toArray();
  }

  private static int[] joined(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  private static IllegalArgumentException wrong(Judgment judgment, String expected, Object found) {
    return new IllegalArgumentException(
        "pair " + judgment.id() + ": expected " + expected + ", found " + found);
  }
}
