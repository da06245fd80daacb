// C = A B in fp32, with A's rows and B's columns packed, and what follows fused into the store.
//
//   store    C[m, n] = sum_k A[m, k] B[k, n] (+ bias[n])
//   add      C[m, n] += sum_k A[m, k] B[k, n]                              (residual)
//   swiglu   C[m, i] = silu(sum_k A[m, k] G[k, i]) * sum_k A[m, k] U[k, i] (feed-forward)
//
// Each element is one chain of fused multiply-adds in the order of k, whatever the other rows are: a
// row's result has the same bits in every batch.
//
// Packed weights: panels of `panel` columns, [panel][k][column], the last one filled with zeros. For
// swiglu, a panel's first half holds gate columns, its second half the up columns of the same index.
// Packed rows: tiles of `tile` rows, [tile][k][row]; the last one is as narrow as what is left.
#pragma once

#include <cstdint>

namespace gavel {

enum class Epilogue { kStore, kAdd, kSwiglu };

struct PackRows {
  const float* const* rows;  // [count] each [k]
  int count;
  int k;
  const float* norm_weight;  // null, or [k]: pack row * rsqrt(mean(row^2) + epsilon) * norm_weight
  float epsilon;
  float* packed;  // [count * k]
};

struct GemmF32 {
  const float* packed_rows;
  int rows;
  int k;
  const float* packed_weights;  // of panel 0
  int panel_begin, panel_end;   // panels to compute
  int columns;                  // true number of output columns, over all panels
  float* out;                   // [rows, stride], column 0
  int64_t stride;
  Epilogue epilogue;
  const float* bias;  // [columns] or null; store only
};

}  // namespace gavel
