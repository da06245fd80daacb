// Mixture of experts: which experts a row goes through, the pairs in the order of their experts, the products
// of all experts in one launch, and their weighted sum; see gavel_cuda_routing and its neighbours.
#pragma once

#include "device/reduce.h"
#include "gavel_cuda.h"
#include "kernels/gemm_tile.cuh"
#include "kernels/swiglu.cuh"

namespace gavel::cuda {

constexpr int kExpertsMax = 1024;
constexpr int kPicksMax = 32;
constexpr int kRoutingWarps = 4;
constexpr int kOrderThreads = 256;
constexpr int kCombineThreads = 128;

// Rows of the launch that are the batch's own.
GAVEL_DEVICE int live_rows(const gavel_cuda_routing& args) {
  return args.live_rows == nullptr || *args.live_rows > args.rows ? args.rows : *args.live_rows;
}

// A warp per row. A lane holds the experts lane, lane + 32, ...; pick p ends in lane p.
template <int per_lane>
GAVEL_KERNEL(kRoutingWarps* kWarp)
choose_kernel(const gavel_cuda_routing args) {
  const int lane = thread_index() % kWarp;
  const int row = block_x() * kRoutingWarps + thread_index() / kWarp;
  if (row >= live_rows(args)) {
    return;  // whole warps
  }
  float logits[per_lane];
  float highest = -INFINITY;
  GAVEL_UNROLL
  for (int i = 0; i < per_lane; i++) {
    const int expert = i * kWarp + lane;
    logits[i] = expert < args.experts ? args.logits[static_cast<int64_t>(row) * args.experts + expert] : -INFINITY;
    highest = fmaxf(highest, logits[i]);
  }
  highest = lanes_max(highest);
  float total = 0;
  GAVEL_UNROLL
  for (int i = 0; i < per_lane; i++) {
    total += expf(logits[i] - highest);
  }
  total = lanes_sum(total);
  float weight = 0;  // of this lane's pick
  int chosen = 0;
  uint32_t taken = 0;  // bit i: expert i * 32 + lane
  for (int pick = 0; pick < args.picks; pick++) {
    float best = -INFINITY;
    int expert = kExpertsMax;
    GAVEL_UNROLL
    for (int i = 0; i < per_lane; i++) {
      if ((taken >> i & 1u) == 0 && i * kWarp + lane < args.experts && (logits[i] > best || expert == kExpertsMax)) {
        best = logits[i];
        expert = i * kWarp + lane;
      }
    }
    for (int mask = kWarp / 2; mask > 0; mask /= 2) {
      const float other = shuffle_xor(best, mask);
      const int other_expert = shuffle_xor(expert, mask);
      if (other_expert != kExpertsMax &&
          (expert == kExpertsMax || other > best || (other == best && other_expert < expert))) {
        best = other;
        expert = other_expert;
      }
    }
    if (expert % kWarp == lane) {
      taken |= 1u << (expert / kWarp);
    }
    if (pick == lane) {
      weight = expf(best - highest) / total;
      chosen = expert;
    }
  }
  const float kept = lanes_sum(weight);
  if (lane < args.picks) {
    const int64_t at = static_cast<int64_t>(row) * args.picks + lane;
    args.weights[at] = args.normalize != 0 ? weight / kept : weight;
    args.chosen[at] = chosen;
  }
}

// Sum over the block of a value per thread, and of the threads before this one. Shared: a float per warp.
GAVEL_DEVICE int block_scan(int value, int* before) {
  int* parts = static_cast<int*>(shared_memory());
  const int lane = thread_index() % kWarp;
  int scan = value;
  for (int by = 1; by < kWarp; by *= 2) {
    const int below = shuffle_up(scan, by);
    scan += lane >= by ? below : 0;
  }
  if (lane == kWarp - 1) {
    parts[thread_index() / kWarp] = scan;
  }
  block_barrier();
  int total = 0;
  *before = scan - value;
  for (int w = 0; w < kOrderThreads / kWarp; w++) {
    *before += w < thread_index() / kWarp ? parts[w] : 0;
    total += parts[w];
  }
  block_barrier();
  return total;
}

// A block per expert lists its pairs, in the order of the pairs. Every block reads all choices twice, which is
// less than sorting them would cost: a batch of 16,384 rows with 8 picks has 512 KB of them.
static GAVEL_KERNEL(kOrderThreads) order_kernel(const gavel_cuda_routing args) {
  const int expert = block_x();
  const int pairs = live_rows(args) * args.picks;
  int lower = 0;
  int own = 0;
  for (int pair = thread_index(); pair < pairs; pair += kOrderThreads) {
    lower += args.chosen[pair] < expert;
    own += args.chosen[pair] == expert;
  }
  int unused;
  int at = block_scan(lower, &unused);
  const int count = block_scan(own, &unused);
  if (thread_index() == 0) {
    args.begins[expert] = at;
    if (expert + 1 == args.experts) {
      args.begins[args.experts] = at + count;
    }
  }
  for (int first = 0; first < pairs; first += kOrderThreads) {
    const int pair = first + thread_index();
    const bool mine = pair < pairs && args.chosen[pair] == expert;
    int before;
    const int found = block_scan(mine, &before);
    if (mine) {
      args.order[at + before] = pair;
    }
    at += found;
  }
}

// The expert and the first of its pairs that a row tile has; expert -1 beyond the last tile.
struct ExpertTile {
  int expert = -1;
  int begin = 0;
  int end = 0;
};

GAVEL_DEVICE ExpertTile find_expert(const gavel_cuda_grouped_gemm& args, int tile) {
  constexpr int kRows = GemmTile<Bf16>::kRows;
  const int lane = thread_index() % kWarp;
  ExpertTile found;
  for (int base = 0; base < args.experts && found.expert < 0; base += kWarp) {
    const int expert = base + lane;
    const int begin = expert < args.experts ? args.begins[expert] : 0;
    const int end = expert < args.experts ? args.begins[expert + 1] : 0;
    const int tiles = (end - begin + kRows - 1) / kRows;
    int scan = tiles;
    for (int by = 1; by < kWarp; by *= 2) {
      const int below = shuffle_up(scan, by);
      scan += lane >= by ? below : 0;
    }
    const uint32_t beyond = ballot(scan > tile);
    if (beyond != 0) {
      const int winner = count_bits((beyond & (~beyond + 1)) - 1);
      const int first = begin + (tile - (scan - tiles)) * kRows;
      found.expert = base + winner;
      found.begin = shuffle_from(first, winner);
      found.end = shuffle_from(end, winner);
    }
    tile -= shuffle_from(scan, kWarp - 1);
  }
  return found;
}

// Gate and up columns of the same index lie in neighbouring fragments, so a lane holds both. In: of rows and weights.
template <typename T, typename In, bool is_swiglu>
GAVEL_KERNEL(GemmTile<In>::kThreads)
grouped_kernel(const gavel_cuda_grouped_gemm args) {
  const ExpertTile at = find_expert(args, block_x());
  if (at.expert < 0) {
    return;
  }
  constexpr bool kScaled = sizeof(In) == 1;
  constexpr int kColumns = is_swiglu ? GemmTile<In>::kColumns / 2 : GemmTile<In>::kColumns;
  const int first_column = block_y() * kColumns;
  const In* rows = static_cast<const In*>(args.rows);
  const int64_t first_line = static_cast<int64_t>(at.expert) * args.columns * (is_swiglu ? 2 : 1);
  const In* weight = static_cast<const In*>(args.weight) + first_line * args.k;
  const auto row_of = [&](int pair) { return is_swiglu ? pair / args.picks : pair; };
  GemmTile<In> tile;
  tile.run(
      args.k, rows,
      [&](int row) -> const In* {
        return at.begin + row < at.end ? rows + static_cast<int64_t>(row_of(args.order[at.begin + row])) * args.k
                                       : nullptr;
      },
      [&](int line) -> const In* {
        const int column = first_column + (is_swiglu ? line / 16 * 8 + line % 8 : line);
        const bool up = is_swiglu && line / 8 % 2 == 1;
        return column < args.columns ? weight + static_cast<int64_t>(column + (up ? args.columns : 0)) * args.k
                                     : nullptr;
      });
  GAVEL_UNROLL
  for (int m = 0; m < 2; m++) {
    GAVEL_UNROLL
    for (int half = 0; half < 2; half++) {
      const int row = tile.row(m, 2 * half);
      if (at.begin + row >= at.end) {
        continue;
      }
      const int pair = args.order[at.begin + row];
      const float row_scale = kScaled ? args.row_scales[row_of(pair)] : 1;
      T* out = static_cast<T*>(args.out) + static_cast<int64_t>(pair) * args.columns;
      GAVEL_UNROLL
      for (int n = 0; n < 8; n += is_swiglu ? 2 : 1) {
        const int line = tile.column(n, 0);
        const int column = first_column + (is_swiglu ? line / 16 * 8 + line % 8 : line);
        if (column >= args.columns) {
          continue;
        }
        float values[2];
        GAVEL_UNROLL
        for (int i = 0; i < 2; i++) {
          const float* scales = kScaled ? args.weight_scales + first_line + column + i : nullptr;
          values[i] = tile.sums[m][n][2 * half + i] * (kScaled ? row_scale * scales[0] : 1);
          if constexpr (is_swiglu) {
            const float up = tile.sums[m][n + 1][2 * half + i] * (kScaled ? row_scale * scales[args.columns] : 1);
            values[i] = silu(values[i]) * up;
          }
        }
        *reinterpret_cast<uint32_t*>(out + column) = pack<T>(values[0], values[1]);
      }
    }
  }
}

// A thread per 8 elements of a row; the picks are added in their order.
template <typename T>
GAVEL_KERNEL(kCombineThreads)
combine_kernel(const gavel_cuda_combine args) {
  const int chunks = args.width / kChunk;
  const int64_t index = static_cast<int64_t>(block_x()) * kCombineThreads + thread_index();
  const int64_t row = index / chunks;
  if (row >= args.rows) {
    return;
  }
  const int64_t column = index % chunks * kChunk;
  float sums[kChunk] = {};
  for (int pick = 0; pick < args.picks; pick++) {
    const int64_t pair = row * args.picks + pick;
    float values[kChunk];
    load8(static_cast<const T*>(args.routed) + pair * args.width + column, values);
    for (int i = 0; i < kChunk; i++) {
      sums[i] += args.weights[pair] * values[i];
    }
  }
  store8(static_cast<T*>(args.out) + row * args.width + column, sums);
}

}  // namespace gavel::cuda
