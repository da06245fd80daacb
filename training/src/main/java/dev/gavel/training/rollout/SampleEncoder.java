package dev.gavel.training.rollout;

import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.relevance.TokenStream;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.model.PackedBatch;
import dev.gavel.training.sft.ResponseEncoder;
import dev.gavel.training.sft.ResponseEncoder.Form;

/**
 * Turns a pair and a response to it into what a trainer computes. A text becomes the tokens that
 * the policy would have had to draw for it, with the same tokens forced as in a rollout.
 */
public final class SampleEncoder {
  private final RelevanceModel model;
  private final Form form;
  private final ResponseEncoder encoder;

  public SampleEncoder(RelevanceModel model, Form form) {
    this.model = model;
    this.form = form;
    this.encoder = new ResponseEncoder(model, form);
  }

  /**
   * A sequence whose targets are what the policy chose.
   *
   * @throws IllegalArgumentException naming the pair, if it cannot be judged
   */
  public PackedBatch.Sequence encode(Judgment pair, Sample sample) {
    ExplainPlan plan = encoder.plan(pair);
    if (sample.drawn().isPresent()) {
      Sample.Drawn drawn = sample.drawn().get();
      return PackedBatch.Sequence.of(plan.prompt(), drawn.tokens(), drawn.forced());
    }
    Tokens out = new Tokens();
    int[] label = model.labelTokens().get(sample.label()).get(0);
    switch (form) {
      case LABEL_ONLY -> own(out, label);
      case LABEL_FIRST -> {
        own(out, label);
        int[] after = plan.afterLabel().get(sample.label());
        out.forced(after, label.length, after.length);
        own(out, model.tokenize(sample.text()));
        if (sample.ended()) {
          own(out, ResponseEncoder.end(plan));
        }
      }
      case THINK_FIRST -> {
        own(out, model.tokenize(sample.text()));
        int written = sample.ended() ? stop(plan) : 0;
        out.own(plan.verdictCue(), new double[plan.verdictCue().length], 0, written);
        out.forced(plan.verdictCue(), written, plan.verdictCue().length);
        own(out, label);
      }
    }
    return PackedBatch.Sequence.of(plan.prompt(), out.tokens(), out.isForced());
  }

  private static void own(Tokens out, int[] tokens) {
    out.own(tokens, new double[tokens.length], 0, tokens.length);
  }

  /** Tokens of the cue by which the reasoning stops; 0 if the cue does not begin with a stop. */
  private int stop(ExplainPlan plan) {
    TokenStream stream = model.tokenStream(plan.stops());
    int[] cue = plan.verdictCue();
    for (int i = 0; i < cue.length; i++) {
      if (!stream.push(cue[i]).isEmpty()) {
        return 0; // text comes before the stop
      }
      if (stream.stopped()) {
        return i + 1;
      }
    }
    return 0;
  }
}
