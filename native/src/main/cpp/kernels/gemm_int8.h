// C = A B with int8 operands and int32 sums: weights quantized per output channel, activations per
// row, both symmetric. The epilogues are those of gemm_f32.h.
//
//   sum[m, n] = sum_k qa[m, k] qb[n, k]                        exact
//   value     = float(sum[m, n]) * (row_scale[m] * column_scale[n])
//
// Integer sums have no rounding, so a row's result has the same bits in every batch and at every thread
// count.
//
// quantize_rows, for each row x of width k:
//   1. hadamard > 0: blocks of that many values are multiplied by the orthonormal Hadamard matrix, in
//      place (QuaRot, arXiv 2404.00456; the weights carry its inverse);
//   2. scale = max|x| / 127, q = x * (127 / max|x|) rounded once, to the nearest, ties to even;
//   3. epsilon >= 0: scale is multiplied by rsqrt(mean(x^2) + epsilon), which is RMSNorm without
//      weights (they are folded into the matrix that follows).
//
// Layout. Groups of `group` consecutive k, padded with zeros, 4 bytes each: 4 int8, or 2 int16 for
// processors without byte dot products. Rows: tiles as in gemm_f32.h, [tile][k group][row][group].
// Weights: [panel][k group][column][group] int8, with `weight_offset` added and read as unsigned where
// the instruction wants it so; the epilogue takes off weight_offset * sum(qa), which row_sums holds.
#pragma once

#include <cstdint>

#include "kernels/gemm_f32.h"

namespace gavel {

struct Int8Layout {
  int group;          // k per group
  int weight_offset;  // 0 or 128

  int groups(int k) const { return (k + group - 1) / group; }
};

struct QuantizeRows {
  float* const* rows;  // [count] each [k]; changed where hadamard > 0
  int count;
  int k;
  int hadamard;     // 0, or a power of two from 2 to 64 that divides k
  float epsilon;    // negative: no norm
  int32_t* packed;  // [count * groups]
  float* scales;    // [count]
  int32_t* sums;    // [count] weight_offset * sum of the row's quantized values
};

struct GemmInt8 {
  const int32_t* packed_rows;
  const float* row_scales;
  const int32_t* row_sums;
  int rows;
  int groups;
  const int8_t* packed_weights;  // of panel 0
  const float* column_scales;    // [panels, panel width] in the order of the packed columns
  int panel_begin, panel_end;
  int columns;
  float* out;
  int64_t stride;
  Epilogue epilogue;
  const float* bias;  // [columns] or null; store only
};

}  // namespace gavel
