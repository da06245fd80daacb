package dev.gavel.training.model;

import dev.gavel.training.torch.Torch;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Low-rank adapters (Hu et al., arXiv 2106.09685): a linear layer W gets W + alpha / rank * B A,
 * with A [rank, inputs] random and B [outputs, rank] zero, so that training starts at W.
 *
 * @param targets last parts of the names of adapted layers, such as {@code q_proj}
 */
public record Lora(int rank, double alpha, Set<String> targets, long seed) {
  /** Every linear layer of attention and feed-forward. */
  public static final Set<String> ALL_LINEAR =
      Set.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";

  public Lora {
    targets = Set.copyOf(targets);
    if (rank < 1 || !(alpha > 0)) {
      throw new IllegalArgumentException(
          "expected rank and alpha above 0, found " + rank + ", " + alpha);
    }
  }

  /** Freezes the weights and adds the adapters to them. */
  void attach(Parameters parameters) {
    SplittableRandom random = new SplittableRandom(seed);
    parameters.train(false);
    for (String layer : layers(parameters)) {
      Tensor weight = parameters.get(layer + ".weight");
      Tensor a = Torch.lasting(() -> down(random, weight));
      Tensor b =
          Torch.lasting(() -> torch.zeros(new long[] {weight.size(0), rank}, weight.options()));
      a.set_requires_grad(true);
      b.set_requires_grad(true);
      parameters.put(layer + A, a);
      parameters.put(layer + B, b);
    }
  }

  private List<String> layers(Parameters parameters) {
    List<String> out = new ArrayList<>();
    for (String name : parameters.all().keySet()) {
      if (name.endsWith(".weight")) {
        String layer = name.substring(0, name.length() - ".weight".length());
        if (targets.contains(layer.substring(layer.lastIndexOf('.') + 1))) {
          out.add(layer);
        }
      }
    }
    if (out.isEmpty()) {
      throw new IllegalArgumentException("lora: expected layers named " + targets + ", found none");
    }
    return out;
  }

  /** Uniform within 1 / sqrt(inputs). */
  private Tensor down(SplittableRandom random, Tensor weight) {
    double[] values = new double[Math.toIntExact(rank * weight.size(1))];
    double bound = 1 / Math.sqrt(weight.size(1));
    for (int i = 0; i < values.length; i++) {
      values[i] = bound * (2 * random.nextDouble() - 1);
    }
    return Tensor.create(values, rank, weight.size(1)).to(weight.scalar_type());
  }

  /**
   * Adds the adapter's part to a layer's output.
   *
   * @param weight of a name, in the type of {@code x}
   */
  Tensor apply(String layer, Tensor x, Tensor plain, Function<String, Tensor> weight) {
    Tensor narrow = torch.linear(x, weight.apply(layer + A));
    Tensor wide = torch.linear(narrow, weight.apply(layer + B));
    return plain.add(wide.mul(new Scalar(alpha / rank)));
  }

  /**
   * The weight with its adapter folded in; the weight itself where it has none.
   *
   * @param name of the weight
   */
  Tensor merged(String name, Parameters parameters) {
    Tensor weight = parameters.get(name).detach();
    String layer = name.replaceFirst("\\.weight$", "");
    if (!parameters.has(layer + A)) {
      return weight;
    }
    try (NoGradGuard guard = new NoGradGuard()) {
      Tensor product = parameters.get(layer + B).matmul(parameters.get(layer + A));
      return weight.add(product.mul(new Scalar(alpha / rank)));
    }
  }

  /** Whether a layer has an adapter. */
  static boolean has(String layer, Parameters parameters) {
    return parameters.has(layer + A);
  }
}
