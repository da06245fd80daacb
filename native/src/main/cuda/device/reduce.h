// Reductions over groups of warps. The order of the sums is fixed, so a row's result does not depend on
// the rows beside it.
#pragma once

#include "device/platform.h"

namespace gavel::cuda {

// Over aligned groups of `lanes` lanes, a power of two.
template <int lanes = kWarp>
GAVEL_DEVICE float lanes_sum(float value) {
  for (int mask = lanes / 2; mask > 0; mask /= 2) {
    value += shuffle_xor(value, mask);
  }
  return value;
}

template <int lanes = kWarp>
GAVEL_DEVICE float lanes_max(float value) {
  for (int mask = lanes / 2; mask > 0; mask /= 2) {
    value = fmaxf(value, shuffle_xor(value, mask));
  }
  return value;
}

// The warps that share a row: one warp of many in a block, or all warps of the block.
// Shared memory: kWarps floats where kWarps > 1.
template <int warps>
struct RowGroup {
  static constexpr int kLanes = warps * kWarp;
  static constexpr int kThreads = warps == 1 ? 256 : kLanes;
  static constexpr int kRows = kThreads / kLanes;  // rows per block
  static constexpr size_t kSharedBytes = warps == 1 ? 0 : warps * sizeof(float);

  GAVEL_DEVICE static int lane() { return thread_index() % kLanes; }
  GAVEL_DEVICE static int row() { return block_x() * kRows + thread_index() / kLanes; }

  GAVEL_DEVICE static float sum(float value) {
    value = lanes_sum(value);
    if constexpr (warps > 1) {
      float* parts = exchange(value);
      value = 0;
      for (int w = 0; w < warps; w++) {
        value += parts[w];
      }
      block_barrier();
    }
    return value;
  }

  GAVEL_DEVICE static float max(float value) {
    value = lanes_max(value);
    if constexpr (warps > 1) {
      float* parts = exchange(value);
      for (int w = 0; w < warps; w++) {
        value = fmaxf(value, parts[w]);
      }
      block_barrier();
    }
    return value;
  }

 private:
  GAVEL_DEVICE static float* exchange(float value) {
    float* parts = static_cast<float*>(shared_memory());
    if (thread_index() % kWarp == 0) {
      parts[thread_index() / kWarp] = value;
    }
    block_barrier();
    return parts;
  }
};

}  // namespace gavel::cuda
