package dev.gavel.training.model;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What the layers' matrix products are computed in. Weights, their gradients, the optimizer, the
 * stream between layers, norms, attention, the head and the loss are fp32 in either (Micikevicius
 * et al., arXiv 1710.03740; with bf16's range no loss scaling is needed).
 */
public enum Precision {
  FP32 {
    @Override
    Tensor cast(Tensor x) {
      return x;
    }
  },
  /** Brain float: fp32's range, 8 bits of precision. */
  BF16 {
    @Override
    Tensor cast(Tensor x) {
      return x.to(ScalarType.BFloat16);
    }
  };

  /** To the type of matrix products; its gradient comes back in the type of {@code x}. */
  abstract Tensor cast(Tensor x);
}
