// silu(gate) * up and quantization in one pass; see gavel_cuda_swiglu.
#pragma once

#include "kernels/rows.cuh"

namespace gavel::cuda {

GAVEL_DEVICE float silu(float x) { return x / (1.0f + expf(-x)); }

template <typename T, typename Out, int warps>
GAVEL_KERNEL(RowGroup<warps>::kThreads)
swiglu_kernel(const gavel_cuda_swiglu args) {
  const int row = RowGroup<warps>::row();
  if (row >= args.rows) {
    return;  // whole warps only
  }
  const int width = args.width;
  const T* gate = static_cast<const T*>(args.gate_up) + static_cast<int64_t>(row) * 2 * width;
  RowValues<warps> x;
  GAVEL_UNROLL
  for (int c = 0; c < kRowChunks; c++) {
    const int column = x.column(c);
    if (column < width) {
      float up[kChunk];
      load8(gate + column, x.values[c]);
      load8(gate + width + column, up);
      for (int i = 0; i < kChunk; i++) {
        x.values[c][i] = silu(x.values[c][i]) * up[i];
      }
    }
  }
  store_row(x, width, static_cast<Out*>(args.out) + static_cast<int64_t>(row) * width, args.scales + row);
}

}  // namespace gavel::cuda
