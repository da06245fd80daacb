// A row divided by a scale of its own and rounded to 8 bits; see gavel_cuda_quantize.
#pragma once

#include "kernels/rows.cuh"

namespace gavel::cuda {

template <typename T, typename Out, int warps>
GAVEL_KERNEL(RowGroup<warps>::kThreads)
quantize_kernel(const gavel_cuda_quantize args) {
  const int row = RowGroup<warps>::row();
  if (row >= args.rows) {
    return;  // whole warps only
  }
  const int64_t begin = static_cast<int64_t>(row) * args.width;
  RowValues<warps> x;
  GAVEL_UNROLL
  for (int c = 0; c < kRowChunks; c++) {
    if (x.column(c) < args.width) {
      load8(static_cast<const T*>(args.in) + begin + x.column(c), x.values[c]);
    }
  }
  store_row(x, args.width, static_cast<Out*>(args.out) + begin, args.scales + row);
}

}  // namespace gavel::cuda
