// Parts of an attention over different keys, put together by their log-sum-exps; see gavel_cuda_merge.
#pragma once

#include "device/types.h"
#include "gavel_cuda.h"

namespace gavel::cuda {

constexpr int kMergeThreads = 128;

// A thread per 8 elements.
template <typename T>
GAVEL_KERNEL(kMergeThreads)
merge_kernel(const gavel_cuda_merge args) {
  const int chunks = args.head_dim / kChunk;
  const int64_t index = static_cast<int64_t>(block_x()) * kMergeThreads + thread_index();
  if (index >= static_cast<int64_t>(args.rows) * args.heads * chunks) {
    return;
  }
  const int chunk = static_cast<int>(index % chunks);
  const int head = static_cast<int>(index / chunks % args.heads);
  const int row = static_cast<int>(index / chunks / args.heads);
  if (args.row[row] < 0) {
    return;
  }
  float highest = -INFINITY;
  for (int p = args.part_offsets[row]; p < args.part_offsets[row + 1]; p++) {
    highest = fmaxf(highest, args.partial_log_sums[static_cast<int64_t>(args.parts[p]) * args.heads + head]);
  }
  float total = 0;
  float sums[kChunk] = {};
  for (int p = args.part_offsets[row]; p < args.part_offsets[row + 1]; p++) {
    const int64_t part = static_cast<int64_t>(args.parts[p]) * args.heads + head;
    const float weight = expf(args.partial_log_sums[part] - highest);
    const float* values = args.partial_out + part * args.head_dim + chunk * kChunk;
    total += weight;
    for (int i = 0; i < kChunk; i++) {
      sums[i] += weight * values[i];
    }
  }
  for (int i = 0; i < kChunk; i++) {
    sums[i] /= total;
  }
  store8(static_cast<T*>(args.out) + (static_cast<int64_t>(args.row[row]) * args.heads + head) * args.head_dim +
             chunk * kChunk,
         sums);
}

}  // namespace gavel::cuda
