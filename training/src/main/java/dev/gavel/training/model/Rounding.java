package dev.gavel.training.model;

import dev.gavel.training.torch.Torch;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Rounds the layers' matrices to a few levels on their way into every product, as storing them
 * will, so that the model learns to do with the rounded ones (Jacob et al., arXiv 1712.05877). The
 * gradient passes through rounding as if it were not there, and is zero where a weight was clipped
 * (Bengio et al., arXiv 1308.3432).
 *
 * <p>Levels are {@code -2^(bits-1)} to {@code 2^(bits-1) - 1}, times one scale for each group of
 * neighbouring weights of a row, exact in F16. The scale's sign puts the largest weight on the
 * level that only the negative side has. So the stored integers are those trained with.
 *
 * @param bits 4 or 8
 * @param group weights that share a scale; divides the rows' length
 */
public record Rounding(int bits, int group) {
  public Rounding {
    if (bits != 4 && bits != 8 || group < 1) {
      throw new IllegalArgumentException(
          "expected bits 4 or 8 and a group above 0, found " + bits + ", " + group);
    }
  }

  private long low() {
    return -(1L << bits - 1);
  }

  /** The weight [rows, columns] as it will be stored, in the same shape and type. */
  Tensor apply(Tensor weight) {
    if (weight.size(1) % group != 0) {
      throw new IllegalArgumentException(
          "rounding: expected a group that divides " + weight.size(1) + ", found " + group);
    }
    Tensor groups = weight.reshape(-1, group);
    Tensor scale = scales(groups);
    Tensor zero = torch.zeros(new long[] {groups.size(0)}, new TensorOptions(ScalarType.Int));
    return torch
        .fake_quantize_per_channel_affine(groups, scale, zero, 0, low(), -low() - 1)
        .reshape(weight.size(0), weight.size(1));
  }

  /** One for each row of [groups, group], never zero. */
  private Tensor scales(Tensor groups) {
    try (NoGradGuard guard = new NoGradGuard()) {
      return Torch.scoped(
          () -> {
            Tensor high = groups.amax(new long[] {1}, false);
            Tensor low = groups.amin(new long[] {1}, false);
            Tensor largest = torch.where(high.add(low).gt(new Scalar(0)), high, low);
            Tensor scale =
                largest.div(new Scalar((double) low())).to(ScalarType.Half).to(ScalarType.Float);
            return scale.masked_fill(scale.eq(new Scalar(0)), new Scalar(1));
          });
    }
  }
}
