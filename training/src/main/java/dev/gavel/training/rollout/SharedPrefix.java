package dev.gavel.training.rollout;

import dev.gavel.engine.Batch;
import dev.gavel.engine.KvBlocks;
import dev.gavel.engine.KvSpan;

/** The beginning that prompts of one query have in common: computed once, held for all of them. */
final class SharedPrefix {
  private final int[] tokens;
  private KvSpan span;
  private int users;
  private Step in; // the batch that computes it
  private int sequence;

  SharedPrefix(int[] tokens) {
    this.tokens = tokens;
  }

  int length() {
    return tokens.length;
  }

  /** One more pair will use it. */
  void expect() {
    users++;
  }

  /** Blocks that it takes when it is used first. */
  int blocksMissing(KvBlocks pool) {
    return span == null ? pool.blocksFor(tokens.length) : 0;
  }

  /** Rows that computing it takes, once. */
  int rowsMissing() {
    return span == null ? tokens.length : 0;
  }

  /** Adds {@code more[from, to)} behind the prefix, which is computed now unless it is held. */
  void follow(Step step, KvBlocks pool, int[] more, int from, int to) {
    if (span == null) {
      span = pool.span(tokens.length);
      in = step;
      sequence = step.batch().prefix(tokens);
      span.keepInto(step.batch(), tokens.length);
      step.then(result -> span.kept(tokens.length));
    }
    if (from == to) {
      return;
    }
    step.batch().add(in == step ? sequence : -1, more, from, to);
    if (in != step) {
      chainInto(step.batch());
    }
  }

  void chainInto(Batch batch) {
    span.chainInto(batch);
  }

  /** A pair that was expected is done. */
  void leave(KvBlocks pool) {
    if (--users == 0 && span != null) {
      pool.release(span.blocks());
      span = null;
    }
  }
}
