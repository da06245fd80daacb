package dev.gavel.training.grpo;

import dev.gavel.training.model.CausalLm;
import dev.gavel.training.rollout.Rollout;
import java.util.List;

/** Answers pairs with the weights that were pushed last. */
public interface RolloutSource {
  /** Takes over the policy's weights; later changes of them are not seen. */
  void push(CausalLm policy);

  /**
   * Samples responses.
   *
   * @param pairs indices into the pairs of the run
   * @param each responses of every pair
   * @param seed the same gives the same responses
   * @return a group for every pair, in order
   */
  List<List<Rollout>> sample(int[] pairs, int each, long seed);
}
