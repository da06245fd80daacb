#include "kernels/reference.h"

namespace gavel {

const Kernels& reference_kernels() {
  static const Kernels kernels = {"reference",
                                  reference::kPanel,
                                  reference::kTile,
                                  {reference::kGroup, 0},
                                  reference::pack_rows,
                                  reference::gemm_f32,
                                  reference::quantize_rows,
                                  reference::gemm_int8,
                                  reference::attention,
                                  reference::attention_bf16,
                                  reference::rms_norm,
                                  reference::rope,
                                  reference::log_sum_exp,
                                  reference::group_maxima,
                                  reference::weigh_logits};
  return kernels;
}

}  // namespace gavel
