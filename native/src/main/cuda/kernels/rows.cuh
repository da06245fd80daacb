// A row held in the registers of its group of warps, and how it is written.
#pragma once

#include "device/reduce.h"
#include "device/types.h"
#include "kernels/dispatch.h"

namespace gavel::cuda {

// values[c] are elements column(c) to column(c) + 7 of the row.
template <int warps>
struct RowValues {
  float values[kRowChunks][kChunk];

  GAVEL_DEVICE static int column(int c) { return (c * RowGroup<warps>::kLanes + RowGroup<warps>::lane()) * kChunk; }
};

// Writes the row as it is, or divided by a scale that makes its largest magnitude the type's.
template <int warps, typename Out>
GAVEL_DEVICE void store_row(RowValues<warps>& row, int width, Out* out, float* scale) {
  if constexpr (kQuantizedMost < Out >> 0) {
    float most = 0;
    GAVEL_UNROLL
    for (int c = 0; c < kRowChunks; c++) {
      if (row.column(c) < width) {
        for (int i = 0; i < kChunk; i++) {
          most = fmaxf(most, fabsf(row.values[c][i]));
        }
      }
    }
    most = RowGroup<warps>::max(most);
    const float inverse = most > 0 ? kQuantizedMost<Out> / most : 0.0f;
    if (RowGroup<warps>::lane() == 0) {
      *scale = most / kQuantizedMost<Out>;
    }
    GAVEL_UNROLL
    for (int c = 0; c < kRowChunks; c++) {
      for (int i = 0; i < kChunk; i++) {
        row.values[c][i] *= inverse;
      }
    }
  }
  GAVEL_UNROLL
  for (int c = 0; c < kRowChunks; c++) {
    if (row.column(c) < width) {
      store8(out + row.column(c), row.values[c]);
    }
  }
}

}  // namespace gavel::cuda
