package dev.gavel.training.rollout;

import dev.gavel.engine.Batch;
import dev.gavel.engine.KvBlocks;
import dev.gavel.engine.KvSpan;
import dev.gavel.relevance.ExplainPlan;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.sft.ResponseEncoder.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One pair: its prompt, computed once, and its paths. Think-first, the prompt's last token is left
 * to the paths, as each draws its own first token from it.
 */
final class PairRun {
  /** What all pairs of a call have in common. */
  record Common(RelevanceModel model, SamplingSpec spec, int each) {
    boolean thinkFirst() {
      return spec.form() == Form.THINK_FIRST;
    }

    int[] form(int label) {
      return model.labelTokens().get(label).get(0);
    }

    int formTokensMax() {
      return model.labelTokens().stream().mapToInt(forms -> forms.get(0).length).max().orElse(0);
    }
  }

  private final Common common;
  private final int index;
  private final Judgment pair;
  private final ExplainPlan plan;
  private final SharedPrefix prefix;
  private final int kept; // prompt tokens computed once
  private final int tokensMax;
  private final List<ResponsePath> paths = new ArrayList<>();
  private KvSpan suffix;

  /**
   * @param prefix of the plan's prompt
   * @throws IllegalArgumentException if the model's context has no room for reasoning
   */
  PairRun(Common common, int index, Judgment pair, ExplainPlan plan, SharedPrefix prefix) {
    this.common = common;
    this.index = index;
    this.pair = pair;
    this.plan = plan;
    this.prefix = prefix;
    this.kept = plan.prompt().length - (common.thinkFirst() ? 1 : 0);
    int positions = common.model().config().maxPositions();
    int others = kept + ResponsePath.forcedTokensMax(common, plan) + common.formTokensMax();
    this.tokensMax =
        common.spec().form() == Form.LABEL_ONLY
            ? 0
            : Math.min(common.spec().tokensMax(), positions - others);
    if (tokensMax < 1 && common.spec().form() != Form.LABEL_ONLY) {
      throw new IllegalArgumentException(
          "pair "
              + pair.id()
              + ": expected fewer than "
              + positions
              + " tokens before the"
              + " reasoning (max_position_embeddings), found "
              + others);
    }
  }

  Common common() {
    return common;
  }

  int index() {
    return index;
  }

  Judgment pair() {
    return pair;
  }

  ExplainPlan plan() {
    return plan;
  }

  /** Reasoning tokens of a path. */
  int tokensMax() {
    return tokensMax;
  }

  List<ResponsePath> paths() {
    return paths;
  }

  /** Blocks that are taken by {@link #begin}. */
  int blocks(KvBlocks pool) {
    return prefix.blocksMissing(pool)
        + pool.blocksFor(kept - prefix.length())
        + common.each() * pool.blocksFor(pathTokens());
  }

  private int pathTokens() {
    return tokensMax == 0 ? 0 : ResponsePath.forcedTokensMax(common, plan) + tokensMax;
  }

  /** Rows that {@link #begin} adds. */
  int rows(Step step) {
    return prefix.rowsMissing() + step.scoredRows(kept - prefix.length());
  }

  /** Takes blocks, which must be there, and adds the prompt to the batch. */
  void begin(Step step, KvBlocks pool) {
    int own = kept - prefix.length();
    suffix = pool.span(own);
    for (int i = 0; i < common.each(); i++) {
      paths.add(new ResponsePath(this, i, pool.span(pathTokens())));
    }
    prefix.follow(step, pool, plan.prompt(), prefix.length(), kept);
    suffix.keepInto(step.batch(), own);
    step.then(result -> suffix.kept(own));
    if (common.thinkFirst()) {
      step.then(result -> paths.forEach(ResponsePath::think));
    } else {
      step.thenLabels(logs -> paths.forEach(path -> path.labelled(logs)));
    }
  }

  /** The last added sequence sees what of the prompt is kept. */
  void chainInto(Batch batch) {
    prefix.chainInto(batch);
    suffix.chainInto(batch);
  }

  /** The prompt's last token, think-first. */
  int[] lastToken() {
    return Arrays.copyOfRange(plan.prompt(), kept, plan.prompt().length);
  }

  boolean hasEnded() {
    return paths.stream().allMatch(ResponsePath::hasEnded);
  }

  /** Gives back what paths that have ended hold. */
  void releaseEnded(KvBlocks pool) {
    paths.stream().filter(ResponsePath::hasEnded).forEach(path -> path.release(pool));
  }

  /** Gives back the rest. */
  void release(KvBlocks pool) {
    pool.release(suffix.blocks());
    prefix.leave(pool);
  }
}
