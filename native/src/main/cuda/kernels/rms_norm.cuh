// Residual addition, RMSNorm (arXiv 1910.07467) and quantization in one pass; see gavel_cuda_rms_norm.
//
// A row stays in registers between its one read and its one write. The sum is rounded to the stream's type
// before it is normed, as if it had been stored and read again.
#pragma once

#include "kernels/rows.cuh"

namespace gavel::cuda {

template <typename T, typename Out, int warps>
GAVEL_KERNEL(RowGroup<warps>::kThreads)
rms_norm_kernel(const gavel_cuda_rms_norm args) {
  const int row = RowGroup<warps>::row();
  if (row >= args.rows) {
    return;  // whole warps only
  }
  const int width = args.width;
  const int64_t source = static_cast<int64_t>(args.gather == nullptr ? row : args.gather[row]) * width;
  const T* residual = static_cast<const T*>(args.residual) + source;
  const T* delta = args.delta == nullptr ? nullptr : static_cast<const T*>(args.delta) + source;
  RowValues<warps> x;
  float squares = 0;
  GAVEL_UNROLL
  for (int c = 0; c < kRowChunks; c++) {
    const int column = x.column(c);
    if (column >= width) {
      break;
    }
    load8(residual + column, x.values[c]);
    if (delta != nullptr) {
      float added[kChunk];
      load8(delta + column, added);
      for (int i = 0; i < kChunk; i++) {
        x.values[c][i] = to_float(from_float<T>(x.values[c][i] + added[i]));
      }
    }
    for (int i = 0; i < kChunk; i++) {
      squares += x.values[c][i] * x.values[c][i];
    }
  }
  if (args.residual_out != nullptr) {
    T* out = static_cast<T*>(args.residual_out) + static_cast<int64_t>(row) * width;
    GAVEL_UNROLL
    for (int c = 0; c < kRowChunks; c++) {
      if (x.column(c) < width) {
        store8(out + x.column(c), x.values[c]);
      }
    }
  }
  if (args.out == nullptr) {
    return;
  }
  const float scale = rsqrtf(RowGroup<warps>::sum(squares) / static_cast<float>(width) + args.epsilon);
  GAVEL_UNROLL
  for (int c = 0; c < kRowChunks; c++) {
    if (x.column(c) < width) {
      float weight[kChunk];
      load8(static_cast<const T*>(args.weight) + x.column(c), weight);
      for (int i = 0; i < kChunk; i++) {
        x.values[c][i] *= scale * weight[i];
      }
    }
  }
  if constexpr (sizeof(Out) == 1) {
    if (args.out_plain != nullptr) {
      store_row(x, width, static_cast<T*>(args.out_plain) + static_cast<int64_t>(row) * width, nullptr);
    }
  }
  store_row(x, width, static_cast<Out*>(args.out) + static_cast<int64_t>(row) * width, args.scales + row);
}

}  // namespace gavel::cuda
