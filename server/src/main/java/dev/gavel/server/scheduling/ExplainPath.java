package dev.gavel.server.scheduling;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.KvSpan;
import dev.gavel.engine.Sampling;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.LabelDistribution;
import dev.gavel.relevance.TokenStream;
import dev.gavel.server.engine.BlockCache;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * One reasoning path: forced tokens, then one drawn token per batch, then, think-first, the
 * judgment.
 */
final class ExplainPath {
  private enum State {
    /** Holds no blocks yet. */
    IDLE,
    /** Its forced tokens are to be computed. */
    START,
    /** The last drawn token is to be computed. */
    DECODE,
    /** Think-first: the verdict's cue is to be computed. */
    JUDGE,
    ENDED
  }

  private final ExplainJob job;
  private final int index;
  private final TokenStream text;
  private final Sampling sampling;
  private final StringBuilder certain = new StringBuilder();
  private final int[] drawn;
  private int generated;
  private int reasoning;
  private State state = State.IDLE;
  private KvSpan own;
  private int[] forced;
  private ExplainJob.Finish finish;
  private LabelDistribution distribution;

  ExplainPath(ExplainJob job, int index, TokenStream text, Sampling sampling) {
    this.job = job;
    this.index = index;
    this.text = text;
    this.sampling = sampling;
    this.drawn = new int[job.work().tokensMax()];
  }

  boolean isIdle() {
    return state == State.IDLE;
  }

  boolean isActive() {
    return state != State.IDLE && state != State.ENDED;
  }

  boolean hasEnded() {
    return state == State.ENDED;
  }

  int generated() {
    return generated;
  }

  ExplainJob.Finish finish() {
    return finish;
  }

  /** Think-first: the judgment after this path; null before, and in label-first order. */
  LabelDistribution distribution() {
    return distribution;
  }

  /** Takes the path's blocks, or returns false if there are too few. */
  boolean begin(BlockCache pool) {
    own = pool.span(job.work().pathTokens());
    if (own == null) {
      return false;
    }
    state = State.START;
    return true;
  }

  void release(BlockCache pool) {
    if (own != null) {
      pool.giveBack(own.blocks());
      own = null;
    }
  }

  void releaseIfEnded(BlockCache pool) {
    if (state == State.ENDED && own != null) {
      release(pool);
      job.ticket().pathEnded();
    }
  }

  /** Rows of the next step. */
  int rows(BatchPlan plan) {
    return switch (state) {
      case START -> job.forced().length;
      case DECODE -> 1;
      case JUDGE -> plan.scoredRows(judged().length);
      case IDLE, ENDED -> 0;
    };
  }

  /** Adds the next step to the batch, in which there is room for it. */
  void addTo(BatchPlan plan) {
    switch (state) {
      case START -> addDraw(plan, forced = job.forced());
      case DECODE -> addDraw(plan, Arrays.copyOfRange(drawn, generated - 1, generated));
      case JUDGE -> addJudgment(plan);
      case IDLE, ENDED -> throw new IllegalStateException("no step in state " + state);
    }
  }

  private void addDraw(BatchPlan plan, int[] tokens) {
    Batch batch = plan.batch();
    int sampled = plan.nextSampled();
    batch.root(tokens);
    chain(batch, own.tokens());
    own.keepInto(batch, tokens.length);
    batch.sample(sampling, generated);
    plan.add(share(result -> drew(result, sampled, tokens.length)));
  }

  private void drew(BatchResult result, int sampled, int computed) {
    own.kept(computed);
    if (state == State.START) {
      job.addPromptTokens(computed);
    }
    state = State.DECODE;
    job.tokenDrawn(System.nanoTime());
    accept(result.sampledToken(sampled), result.sampledLogProbability(sampled));
  }

  private void accept(int token, double logProbability) {
    drawn[generated++] = token;
    ExplainPlan plan = job.work().plan();
    String piece;
    if (plan.endTokens().contains(token)) {
      finish = ExplainJob.Finish.END_OF_TEXT;
      piece = text.flush();
    } else {
      piece = text.push(token);
      if (text.stopped()) {
        finish = ExplainJob.Finish.STOP;
      } else if (generated == drawn.length) {
        finish = ExplainJob.Finish.LENGTH;
        piece += text.flush();
      }
    }
    certain.append(piece);
    job.sink().token(index, piece, token, logProbability);
    if (finish != null && job.work().labelFirst()) {
      end();
    } else if (finish != null) {
      reasoning = countReasoning();
      state = State.JUDGE;
    }
  }

  private void addJudgment(BatchPlan plan) {
    Batch batch = plan.batch();
    int scored = plan.nextScored();
    batch.root(judged());
    chain(batch, forced.length + Math.min(reasoning, computedDraws()));
    batch.score();
    plan.add(share(result -> judge(result.labelLogProbabilities(scored))));
  }

  private void judge(float[] logProbabilities) {
    distribution = LabelDistribution.of(job.work().model().labels(), logProbabilities);
    job.addPromptTokens(job.work().plan().verdictCue().length);
    end();
  }

  private void end() {
    state = State.ENDED;
    job.sink().sampleEnd(index, finish, distribution, generated);
  }

  /** The last added sequence sees the prompt and {@code count} tokens of this path. */
  private void chain(Batch batch, int count) {
    job.prompt().chainInto(batch, job.promptSeen(forced));
    own.chainInto(batch, count);
  }

  /** Drawn tokens whose KV is kept: all but the last. */
  private int computedDraws() {
    return generated - 1;
  }

  /** The verdict's cue behind the reasoning, with what of the reasoning is not yet computed. */
  private int[] judged() {
    int[] cue = job.work().plan().verdictCue();
    int from = Math.min(reasoning, computedDraws());
    int tail = reasoning - from;
    int[] tokens = Arrays.copyOfRange(drawn, from, from + tail + cue.length);
    System.arraycopy(cue, 0, tokens, tail, cue.length);
    return tokens;
  }

  /** Drawn tokens that are reasoning: without the end token, or every token of the stop text. */
  private int countReasoning() {
    int count = finish == ExplainJob.Finish.LENGTH ? generated : generated - 1;
    if (finish == ExplainJob.Finish.STOP) {
      while (count > 0
          && job.work().model().detokenize(Arrays.copyOf(drawn, count)).length()
              > certain.length()) {
        count--;
      }
    }
    return count;
  }

  private BatchPlan.Share share(Consumer<BatchResult> apply) {
    return new BatchPlan.Share() {
      @Override
      public Job job() {
        return job;
      }

      @Override
      public void apply(BatchResult result) {
        apply.accept(result);
      }
    };
  }
}
