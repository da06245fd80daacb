// C = A B with int8 operands and int32 sums: weights quantized per output channel, activations per
// row, both symmetric. The epilogues are those of gemm_f32.h.
//
//   sum[m, n] = sum_{k >= outliers} qa[m, k] qb[n, k]                                 exact
//   value     = float(sum[m, n]) * row_scale[m] * column_scale[n]
//               + sum_{o < outliers} x[m, o] * w[n, o]                                fp32
//
// The first `outliers` inputs are not rounded at all: they are the few coordinates that are larger than
// all others in every row, and would set everybody's scale (LLM.int8, arXiv 2208.07339, at columns that
// are known in advance).
//
// Integer sums have no rounding, and the fp32 operations on an element are always the same, in the order
// written above: a row's result has the same bits in every batch and at every thread count.
//
// quantize_rows, for each row x of width k:
//   1. hadamard > 0: blocks of that many values are multiplied by the orthonormal Hadamard matrix, in
//      place (QuaRot, arXiv 2404.00456; the weights carry its inverse);
//   2. scale = max|x| / 127, q = x * (127 / max|x|) rounded once, to the nearest, ties to even;
//   3. epsilon >= 0: scale and outliers are multiplied by rsqrt(mean(x^2) + epsilon), which is RMSNorm
//      without weights (they are folded into the matrix that follows).
//
// Layout. Dwords of `group` consecutive rounded inputs, padded with zeros: 4 int8, or 2 int16 for
// processors without byte dot products. Rows: tiles as in gemm_f32.h, [tile][dword][row]; their outliers
// [tile][outlier][row]. Weights: [panel][dword][column][group] int8, with `weight_offset` added and read
// as unsigned where the instruction wants it so; the row's sum takes off what that adds. Weights of
// outliers: [panel][outlier][column] fp32.
#pragma once

#include <cstdint>

#include "kernels/gemm_f32.h"

namespace gavel {

// Which inputs of a product are rounded.
struct Int8Inputs {
  int k;         // inputs, outliers included
  int outliers;  // leading inputs that stay in fp32

  int rounded() const { return k - outliers; }
};

struct Int8Layout {
  int group;          // inputs per dword
  int weight_offset;  // 0 or 128

  int dwords(const Int8Inputs& inputs) const { return (inputs.rounded() + group - 1) / group; }
};

// Quantized rows, in the layout above.
struct Int8Rows {
  int32_t* packed;  // [count * dwords]
  float* scales;    // [count]
  int32_t* sums;    // [count] -weight_offset * sum of the row's quantized values
  float* outliers;  // [count * outliers]

  // Those from row `first` on, which begins a tile.
  Int8Rows from(int64_t first, const Int8Inputs& inputs, int dwords) const {
    return {packed + first * dwords, scales + first, sums + first, outliers + first * inputs.outliers};
  }
};

struct QuantizeRows {
  float* const* rows;  // [count] each [k]; changed where hadamard > 0
  int count;
  Int8Inputs inputs;
  int hadamard;   // 0, or a power of two from 2 to 256 that divides k; then there are no outliers
  float epsilon;  // negative: no norm
  Int8Rows out;
};

struct GemmInt8 {
  Int8Rows a;
  int rows;
  Int8Inputs inputs;
  const int8_t* packed_weights;  // of panel 0
  const float* column_scales;    // [panels, panel width] in the order of the packed columns
  const float* outlier_weights;  // [panels, outliers, panel width]
  int panel_begin, panel_end;
  int columns;
  float* out;
  int64_t stride;
  Epilogue epilogue;
  const float* bias;  // [columns] or null; store only
};

}  // namespace gavel
