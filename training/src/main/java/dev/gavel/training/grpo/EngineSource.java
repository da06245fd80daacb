package dev.gavel.training.grpo;

import dev.gavel.training.data.Judgment;
import dev.gavel.training.model.CausalLm;
import dev.gavel.training.rollout.PolicyEngine;
import dev.gavel.training.rollout.Rollout;
import dev.gavel.training.rollout.SamplingSpec;
import java.util.Arrays;
import java.util.List;

/** Samples on the engine. */
public final class EngineSource implements RolloutSource {
  private final PolicyEngine engine;
  private final List<Judgment> pairs;
  private final SamplingSpec spec;

  /**
   * @param engine stays its owner's
   * @param pairs of the run
   * @param spec its seed is replaced by each call's
   */
  public EngineSource(PolicyEngine engine, List<Judgment> pairs, SamplingSpec spec) {
    this.engine = engine;
    this.pairs = List.copyOf(pairs);
    this.spec = spec;
  }

  @Override
  public void push(CausalLm policy) {
    engine.push(policy);
  }

  @Override
  public List<List<Rollout>> sample(int[] indices, int each, long seed) {
    List<Judgment> asked = Arrays.stream(indices).mapToObj(pairs::get).toList();
    return engine.sample(asked, each, spec.withSeed(seed));
  }
}
