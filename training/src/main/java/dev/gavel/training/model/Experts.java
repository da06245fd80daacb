package dev.gavel.training.model;

import dev.gavel.engine.ModelConfig;
import dev.gavel.training.torch.Torch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.indexer.LongIndexer;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The mixture of experts of Qwen3-MoE: a softmax over all experts, the best few of it, made to sum
 * to 1 where the configuration says so. Each expert computes its own rows only. The gradient
 * reaches the router through the weights; the choice itself has none.
 */
final class Experts {
  private final ModelConfig config;
  private final BiFunction<String, Tensor, Tensor> gatedUnit; // (prefix, rows) to rows

  Experts(ModelConfig config, BiFunction<String, Tensor, Tensor> gatedUnit) {
    this.config = config;
    this.gatedUnit = gatedUnit;
  }

  /** [tokens, hidden] to the same. */
  Tensor apply(String prefix, Tensor router, Tensor x) {
    Tensor probabilities = torch.softmax(torch.linear(x, router), 1);
    T_TensorTensor_T best = probabilities.topk(config.expertsPerToken(), 1, true, true);
    Tensor weights = best.get0(); // [tokens, chosen]
    if (config.normalizeExperts()) {
      weights = weights.div(weights.sum(new long[] {1}, true, new ScalarTypeOptional()));
    }
    Tensor flat = weights.reshape(-1);
    List<List<Integer>> slots = slots(best.get1());
    Tensor out = torch.zeros_like(x);
    for (int expert = 0; expert < slots.size(); expert++) {
      if (!slots.get(expert).isEmpty()) {
        int[] own = slots.get(expert).stream().mapToInt(Integer::intValue).toArray();
        out = add(out, prefix + "experts." + expert + ".", own, x, flat);
      }
    }
    return out;
  }

  /** Adds one expert's rows; {@code own} are its places in the flat [tokens * chosen]. */
  private Tensor add(Tensor out, String prefix, int[] own, Tensor x, Tensor flat) {
    int[] rowsOf = new int[own.length];
    for (int i = 0; i < own.length; i++) {
      rowsOf[i] = own[i] / config.expertsPerToken();
    }
    Tensor rows = Torch.indices(rowsOf);
    Tensor computed = gatedUnit.apply(prefix, x.index_select(0, rows));
    Tensor weights = flat.index_select(0, Torch.indices(own)).unsqueeze(1);
    return out.index_add(0, rows, computed.mul(weights));
  }

  /** For every expert, the places of [tokens, chosen] that chose it. */
  private List<List<Integer>> slots(Tensor chosen) {
    List<List<Integer>> out = new ArrayList<>();
    for (int i = 0; i < config.experts(); i++) {
      out.add(new ArrayList<>());
    }
    long[] experts = new long[Math.toIntExact(chosen.numel())];
    LongIndexer indexer = chosen.contiguous().view(chosen.numel()).createIndexer();
    indexer.get(0, experts);
    for (int i = 0; i < experts.length; i++) {
      out.get((int) experts[i]).add(i);
    }
    return out;
  }
}
