// Accumulation over sampled reasoning paths, then down the grades to the tier; see gavel_cuda_paths.
#pragma once

#include "device/platform.h"
#include "gavel_cuda.h"
#include "kernels/tier.cuh"

namespace gavel::cuda {

constexpr int kPathsWarps = 4;

// A warp per item, a lane per label. In double, in the order of the paths: one path keeps its own bits.
static GAVEL_KERNEL(kPathsWarps* kWarp) paths_kernel(const gavel_cuda_paths args) {
  const int item = block_x() * kPathsWarps + thread_index() / kWarp;
  if (item >= args.items) {
    return;  // whole warps
  }
  const int begin = args.path_offsets[item];
  const int end = args.path_offsets[item + 1];
  float* out = args.log_probabilities + static_cast<int64_t>(item) * args.labels;
  for (int label = thread_index() % kWarp; label < args.labels; label += kWarp) {
    const float* path = args.path_log_probabilities + static_cast<int64_t>(begin) * args.labels + label;
    float highest = -INFINITY;
    for (int p = 0; p < end - begin; p++) {
      highest = fmaxf(highest, path[static_cast<int64_t>(p) * args.labels]);
    }
    double sum = 0;
    for (int p = 0; p < end - begin && highest > -INFINITY; p++) {
      sum += exp(static_cast<double>(path[static_cast<int64_t>(p) * args.labels]) - static_cast<double>(highest));
    }
    out[label] =
        highest > -INFINITY ? static_cast<float>(static_cast<double>(highest) + log(sum / (end - begin))) : highest;
  }
  warp_barrier();
  if (args.tiers != nullptr && thread_index() % kWarp == 0) {
    args.tiers[item] = tier_label(out, args.labels, args.tier_threshold);
  }
}

}  // namespace gavel::cuda
