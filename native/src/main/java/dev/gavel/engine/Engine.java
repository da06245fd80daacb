package dev.gavel.engine;

import java.util.List;

/**
 * A model on a device. Belongs to one thread at a time, except {@link #info} and {@link #close}.
 */
public interface Engine extends AutoCloseable {

  /** Shape of the model. */
  ModelConfig config();

  /** What the engine is and has done so far; any thread. */
  EngineInfo info();

  /**
   * Prepares labels for scoring.
   *
   * @param forms {@code forms.get(label)} holds that label's surface forms as token sequences; at
   *     least one each, none empty
   * @throws EngineException INVALID_ARGUMENT if a form of one label begins with a form of another,
   *     or a token is outside the vocabulary
   */
  LabelTable labels(List<List<int[]>> forms);

  /**
   * Computes one batch; see {@link Batch}. On an exception no result is valid and kept blocks hold
   * nothing.
   *
   * @throws EngineException CANCELLED if {@link Batch#cancel} was called, INVALID_ARGUMENT if the
   *     batch breaks a rule (nothing was computed then)
   */
  void run(Batch batch, BatchResult result);

  /** Frees weights and pool. Label tables must be closed before. Idempotent. */
  @Override
  void close();
}
