#include "kernels/reference.h"

namespace gavel {

const Kernels& reference_kernels() {
  static const Kernels kernels = {"reference",          reference::kPanel,    reference::kTile,
                                  reference::pack_rows, reference::gemm_f32,  reference::attention,
                                  reference::rms_norm,  reference::rope,      reference::log_sum_exp};
  return kernels;
}

}  // namespace gavel
