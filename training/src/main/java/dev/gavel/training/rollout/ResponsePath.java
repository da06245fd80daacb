package dev.gavel.training.rollout;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.KvBlocks;
import dev.gavel.engine.KvSpan;
import dev.gavel.engine.Sampling;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.TokenStream;
import dev.gavel.training.sft.ResponseEncoder.Form;
import java.util.Arrays;
import java.util.List;

/**
 * One response in the making. Label-first: the label, drawn where the prompt ends; its cue, then a
 * reasoning token per batch. Think-first: reasoning, the verdict's cue, the label.
 */
final class ResponsePath {
  private enum State {
    /** The prompt is not computed yet. */
    WAIT,
    /** {@link #next} is to be computed and a token to be drawn. */
    DRAW,
    /** Think-first: the verdict's cue is to be computed and the label to be drawn. */
    JUDGE,
    /** The label's tokens but the first are to be given their log-probabilities. */
    SPELL,
    ENDED
  }

  private final PairRun run;
  private final int number;
  private final Sampling sampling;
  private final TokenStream stream;
  private final StringBuilder text = new StringBuilder();
  private final int[] drawn;
  private final double[] drawnLogProbs;
  private int generated;
  private int reasoning; // drawn tokens that are reasoning; think-first
  private boolean ended;
  private State state = State.WAIT;
  private KvSpan own; // null once given back
  private int[] next;
  private int label;
  private double[] labelLogProbs; // of the tokens of the label's form

  ResponsePath(PairRun run, int number, KvSpan own) {
    this.run = run;
    this.number = number;
    this.own = own;
    this.sampling = run.common().spec().tokens(run.pair(), number);
    this.stream = run.common().model().tokenStream(run.plan().stops());
    this.drawn = new int[run.tokensMax()];
    this.drawnLogProbs = new double[run.tokensMax()];
  }

  /** Tokens of a path that are not drawn, at most. */
  static int forcedTokensMax(PairRun.Common common, ExplainPlan plan) {
    return common.thinkFirst()
        ? 1 + plan.verdictCue().length
        : plan.afterLabel().stream().mapToInt(tokens -> tokens.length).max().orElse(0);
  }

  boolean hasEnded() {
    return state == State.ENDED;
  }

  void release(KvBlocks pool) {
    if (own != null) {
      pool.release(own.blocks());
      own = null;
    }
  }

  /** The prompt is computed; the reasoning begins. */
  void think() {
    next = run.lastToken();
    state = State.DRAW;
  }

  /**
   * Draws the label.
   *
   * @param logProbs [labels] over the whole vocabulary
   */
  void labelled(double[] logProbs) {
    label = run.common().spec().label(logProbs, run.pair(), number);
    labelLogProbs = new double[form().length];
    labelLogProbs[0] = logProbs[label]; // of all its tokens, until they are told apart
    if (labelLogProbs.length > 1) {
      state = State.SPELL;
    } else {
      afterLabel();
    }
  }

  private int[] form() {
    return run.common().form(label);
  }

  private void afterLabel() {
    if (run.common().spec().form() == Form.LABEL_FIRST) {
      next = run.plan().afterLabel().get(label);
      state = State.DRAW;
    } else {
      ended |= run.common().spec().form() == Form.LABEL_ONLY;
      state = State.ENDED;
    }
  }

  /** Rows of the next step. */
  int rows(Step step) {
    return switch (state) {
      case DRAW -> next.length;
      case JUDGE -> step.scoredRows(next.length);
      case SPELL -> form().length - 1;
      case WAIT, ENDED -> 0;
    };
  }

  /** Adds the next step to the batch, in which there is room for it. */
  void addTo(Step step) {
    switch (state) {
      case DRAW -> addDraw(step);
      case JUDGE -> addJudgment(step);
      case SPELL -> addSpelling(step);
      case WAIT, ENDED -> throw new IllegalStateException("no step in state " + state);
    }
  }

  private void addNext(Step step) {
    Batch batch = step.batch();
    batch.root(next);
    chainInto(batch);
    own.keepInto(batch, next.length);
    step.then(result -> own.kept(next.length));
  }

  private void chainInto(Batch batch) {
    run.chainInto(batch);
    own.chainInto(batch);
  }

  private void addDraw(Step step) {
    addNext(step);
    int index = step.batch().count(Batch.Output.SAMPLE);
    step.batch().sample(sampling, generated);
    step.then(result -> drew(result, index));
  }

  private void drew(BatchResult result, int index) {
    int token = result.sampledToken(index);
    drawn[generated] = token;
    drawnLogProbs[generated++] = result.sampledLogProbability(index);
    boolean end = run.plan().endTokens().contains(token);
    if (!end) {
      text.append(stream.push(token));
    }
    ended = end || stream.stopped();
    if (!ended && generated < drawn.length) {
      next = new int[] {token};
      return;
    }
    text.append(stream.flush());
    if (run.common().thinkFirst()) {
      reasoning = countReasoning(end);
      judge();
    } else {
      state = State.ENDED;
    }
  }

  /** Drawn tokens that are reasoning: without the end token, or every token of the stop text. */
  private int countReasoning(boolean end) {
    if (!stream.stopped()) {
      return end ? generated - 1 : generated;
    }
    TokenStream plain = run.common().model().tokenStream(List.of());
    int count = 0;
    for (int length = 0; length < text.length(); count++) {
      length += plain.push(drawn[count]).length();
      if (length > text.length()) {
        break; // the stop text begins within this token
      }
    }
    return count;
  }

  /** What the path holds goes back to the end of the reasoning; the cue follows. */
  private void judge() {
    int[] cue = run.plan().verdictCue();
    int[] whole = joined(run.lastToken(), Arrays.copyOf(drawn, reasoning), cue);
    own.cut(Math.min(1 + reasoning, whole.length - 1)); // the scored token is computed in any case
    next = Arrays.copyOfRange(whole, own.tokens(), whole.length);
    state = State.JUDGE;
  }

  private void addJudgment(Step step) {
    addNext(step);
    step.thenLabels(this::labelled);
  }

  /** One row per token of the label's form but the last. */
  private void addSpelling(Step step) {
    int[] form = form();
    int before = -1;
    for (int i = 0; i + 1 < form.length; i++) {
      int at = i + 1;
      before = step.batch().add(before, form, i, at);
      if (i == 0) {
        chainInto(step.batch());
      }
      step.thenToken(
          form[at],
          logProb -> {
            labelLogProbs[at] = logProb;
            labelLogProbs[0] = Math.min(0, labelLogProbs[0] - logProb);
          });
    }
    step.then(result -> afterLabel());
  }

  private static int[] joined(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  /** The response, at the end. */
  Rollout rollout() {
    Tokens out = new Tokens();
    if (run.common().thinkFirst()) {
      out.own(drawn, drawnLogProbs, 0, reasoning);
      addCue(out);
      out.own(form(), labelLogProbs, 0, labelLogProbs.length);
    } else {
      out.own(form(), labelLogProbs, 0, labelLogProbs.length);
      if (generated > 0) {
        int[] after = run.plan().afterLabel().get(label);
        out.forced(after, labelLogProbs.length, after.length);
        out.own(drawn, drawnLogProbs, 0, generated);
      }
    }
    return new Rollout(
        run.index(),
        number,
        run.plan().prompt(),
        out.tokens(),
        out.isForced(),
        out.logProbs(),
        text.toString(),
        label,
        ended);
  }

  /** What the policy itself began to write of the cue is its own. */
  private void addCue(Tokens out) {
    int[] cue = run.plan().verdictCue();
    int written = Arrays.mismatch(Arrays.copyOfRange(drawn, reasoning, generated), cue);
    written = written < 0 ? cue.length : written;
    out.own(drawn, drawnLogProbs, reasoning, reasoning + written);
    out.forced(cue, written, cue.length);
  }
}
