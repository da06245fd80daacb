package dev.gavel.training.rollout;

import dev.gavel.engine.Batch;
import dev.gavel.engine.BatchResult;
import dev.gavel.engine.DType;
import dev.gavel.engine.Engine;
import dev.gavel.engine.EngineBuilder;
import dev.gavel.engine.EngineOptions;
import dev.gavel.engine.KvBlocks;
import dev.gavel.engine.LabelTable;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.training.data.Judgment;
import dev.gavel.training.model.CausalLm;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/**
 * The engine with the weights of a model in training. Belongs to one thread.
 *
 * <p>The label is drawn among the labels' first surface forms, in proportion to their probability
 * of being written; what the model is trained to write and the server continues from is that form.
 *
 * <p>A response depends on weights, seed, the pair with its id, and the number of its path, and on
 * nothing else: the engine computes the same bits whatever is in a batch (on the CPU).
 */
public final class PolicyEngine implements AutoCloseable {
  /** An engine and what was made for it. */
  record Device(
      Engine engine, LabelTable labels, EngineOptions options, Batch batch, BatchResult result) {

    Device(RelevanceModel model, Engine engine, EngineOptions options) {
      this(engine, labels(model, engine), options, new Batch(), new BatchResult());
    }

    private static LabelTable labels(RelevanceModel model, Engine engine) {
      try {
        return engine.labels(
            model.labelTokens().stream().map(forms -> forms.subList(0, 1)).toList());
      } catch (RuntimeException e) {
        engine.close();
        throw e;
      }
    }

    KvBlocks blocks() {
      return new KvBlocks(options.blocks(), options.blockTokens());
    }

    void close() {
      labels.close();
      engine.close();
    }
  }

  private final RelevanceModel model;
  private final EngineOptions options;
  private Device device; // null until there are weights

  /**
   * Loads no weights yet.
   *
   * @param model prompt, labels and tokenizer; stays its owner's
   * @param options fp32 gives the trainer's log-probabilities; int8 is faster and gives near ones
   */
  public PolicyEngine(RelevanceModel model, EngineOptions options) {
    this.model = model;
    this.options = options;
  }

  /**
   * Takes a copy of the policy's weights, adapters merged.
   *
   * @throws IllegalArgumentException if the policy has another shape than the model
   */
  public void push(CausalLm policy) {
    if (!policy.config().equals(model.config())) {
      throw new IllegalArgumentException(
          "policy: expected the shape " + model.config() + ", found " + policy.config());
    }
    close(); // two sets of weights may not fit
    try (EngineBuilder builder = EngineBuilder.create(policy.config(), options)) {
      policy.forEachWeight(DType.F32, builder::tensor);
      device = new Device(model, builder.build(), options);
    }
  }

  /** Takes the weights of the model's own directory. */
  public void load() {
    close();
    device = new Device(model, model.loadEngine(options), options);
  }

  /**
   * Samples responses.
   *
   * @param each responses to every pair
   * @return by pair, in order, and by path
   * @throws IllegalArgumentException naming a pair that cannot be judged, or for which the engine
   *     has too little room
   * @throws IllegalStateException before {@link #push} or {@link #load}
   */
  public List<List<Rollout>> sample(List<Judgment> pairs, int each, SamplingSpec spec) {
    List<List<Rollout>> out = new ArrayList<>(Collections.nCopies(pairs.size(), null));
    sample(pairs, each, spec, group -> out.set(group.get(0).pair(), group));
    return out;
  }

  /**
   * The same, pair by pair as they are done, in an order of its own.
   *
   * @param sink takes all responses to one pair
   */
  public void sample(
      List<Judgment> pairs, int each, SamplingSpec spec, Consumer<List<Rollout>> sink) {
    if (device == null) {
      throw new IllegalStateException("policy engine: expected weights to be pushed, found none");
    }
    if (each < 1) {
      throw new IllegalArgumentException("each: expected at least 1 response, found " + each);
    }
    new SampleLoop(device, new PairRun.Common(model, spec, each), pairs).run(sink);
  }

  @Override
  public void close() {
    if (device != null) {
      device.close();
      device = null;
    }
  }
}
