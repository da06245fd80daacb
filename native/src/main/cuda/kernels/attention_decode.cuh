// Attention of single rows over paged keys, split over the sequence; see gavel_cuda_attention.
//
// Bound by the reading of keys and values, so no matrix units: a key is read by dims / 8 lanes, 16 bytes each,
// a block of 4 warps reads 4 or 8 keys times kKeysAhead at once, and every key serves all query heads of its KV
// head. Each group of lanes keeps its own online softmax over the keys it saw; they are merged in a fixed order.
// A tile is one row and a part of its keys; what lies in several tiles is merged by attention_merge
// (flash decoding).
#pragma once

#include "device/reduce.h"
#include "kernels/attention_keys.cuh"

namespace gavel::cuda {

constexpr int kDecodeWarps = 4;
constexpr int kKeysAhead = 4;  // keys whose loads a lane has under way

template <int dims, int heads>
struct DecodeShape {
  static constexpr int kLanes = dims / kChunk;                   // per key
  static constexpr int kGroups = kDecodeWarps * kWarp / kLanes;  // keys in the block at once
  static constexpr size_t kSharedBytes = (kGroups * heads * dims + 2 * kGroups * heads) * sizeof(float);
};

// What a group of lanes has summed, for up to `heads` query heads.
template <int heads>
struct DecodeSums {
  float highest[heads];
  float total[heads];
  float values[heads][kChunk];
};

template <typename T, int dims, int heads>
GAVEL_DEVICE void decode_keys(const gavel_cuda_attention& args, const TileKeys& keys, int kv_head,
                              const float (&query)[heads][kChunk], DecodeSums<heads>& sums) {
  using Shape = DecodeShape<dims, heads>;
  const int group = thread_index() / Shape::kLanes;
  const int element = thread_index() % Shape::kLanes * kChunk;
  const bool inside = element < args.head_dim;
  const T* all_keys = static_cast<const T*>(args.keys);
  const T* all_values = static_cast<const T*>(args.values);
  // All lanes of a warp go round equally often, for the shuffles.
  for (int first = 0; first < keys.count; first += Shape::kGroups * kKeysAhead) {
    Chunk key[kKeysAhead] = {};
    Chunk value[kKeysAhead] = {};
    GAVEL_UNROLL
    for (int u = 0; u < kKeysAhead; u++) {
      const int number = first + u * Shape::kGroups + group;
      if (number < keys.count && inside) {
        const int64_t at = (keys.slot(number) * args.kv_heads + kv_head) * args.head_dim + element;
        key[u] = *reinterpret_cast<const Chunk*>(all_keys + at);
        value[u] = *reinterpret_cast<const Chunk*>(all_values + at);
      }
    }
    float scores[kKeysAhead][heads];
    GAVEL_UNROLL
    for (int u = 0; u < kKeysAhead; u++) {
      float k[kChunk];
      unpack<T>(key[u], k);
      GAVEL_UNROLL
      for (int h = 0; h < heads; h++) {
        float dot = 0;
        for (int i = 0; i < kChunk; i++) {
          dot += query[h][i] * k[i];
        }
        dot = lanes_sum<Shape::kLanes>(dot);
        scores[u][h] = first + u * Shape::kGroups + group < keys.count ? dot : -INFINITY;
      }
    }
    GAVEL_UNROLL
    for (int h = 0; h < heads; h++) {
      float highest = sums.highest[h];
      for (int u = 0; u < kKeysAhead; u++) {
        highest = fmaxf(highest, scores[u][h]);
      }
      const float base = highest == -INFINITY ? 0.0f : highest;
      const float shrink = fast_exp2(sums.highest[h] - base);
      sums.highest[h] = highest;
      sums.total[h] *= shrink;
      for (int i = 0; i < kChunk; i++) {
        sums.values[h][i] *= shrink;
      }
      for (int u = 0; u < kKeysAhead; u++) {
        scores[u][h] = fast_exp2(scores[u][h] - base);
        sums.total[h] += scores[u][h];
      }
    }
    GAVEL_UNROLL
    for (int u = 0; u < kKeysAhead; u++) {
      float v[kChunk];
      unpack<T>(value[u], v);
      GAVEL_UNROLL
      for (int h = 0; h < heads; h++) {
        for (int i = 0; i < kChunk; i++) {
          sums.values[h][i] += scores[u][h] * v[i];
        }
      }
    }
  }
}

// The groups' sums, through shared memory, in the order of the groups.
template <typename T, int dims, int heads>
GAVEL_DEVICE void decode_write(const gavel_cuda_attention& args, const gavel_cuda_tile& tile, int first_head, int count,
                               const DecodeSums<heads>& sums) {
  using Shape = DecodeShape<dims, heads>;
  float* values = static_cast<float*>(shared_memory());      // [groups][heads][dims]
  float* highests = values + Shape::kGroups * heads * dims;  // [groups][heads]
  float* totals = highests + Shape::kGroups * heads;         // [groups][heads]
  const int group = thread_index() / Shape::kLanes;
  const int element = thread_index() % Shape::kLanes * kChunk;
  GAVEL_UNROLL
  for (int h = 0; h < heads; h++) {
    for (int i = 0; i < kChunk; i++) {
      values[(group * heads + h) * dims + element + i] = sums.values[h][i];
    }
    if (element == 0) {
      highests[group * heads + h] = sums.highest[h];
      totals[group * heads + h] = sums.total[h];
    }
  }
  block_barrier();
  const int64_t row = tile.partial < 0 ? tile.row_begin : tile.partial;
  for (int i = thread_index(); i < count * dims; i += kDecodeWarps * kWarp) {
    const int h = i / dims;
    const int d = i % dims;
    if (d >= args.head_dim) {
      continue;
    }
    float highest = -INFINITY;
    for (int g = 0; g < Shape::kGroups; g++) {
      highest = fmaxf(highest, highests[g * heads + h]);
    }
    float total = 0;
    float value = 0;
    for (int g = 0; g < Shape::kGroups; g++) {
      const float weight = fast_exp2(highests[g * heads + h] - highest);
      total += weight * totals[g * heads + h];
      value += weight * values[(g * heads + h) * dims + d];
    }
    const int64_t head = row * args.heads + first_head + h;
    if (tile.partial < 0) {
      static_cast<T*>(args.out)[head * args.head_dim + d] = from_float<T>(value / total);
    } else {
      args.partial_out[head * args.head_dim + d] = value / total;
      if (d == 0) {
        args.partial_log_sums[head] = highest * 0.693147180559945309417f + logf(total);
      }
    }
  }
}

// `heads` query heads of a KV head per block; grid: tiles, KV heads, groups of heads.
template <typename T, int dims, int heads>
GAVEL_KERNEL(kDecodeWarps* kWarp)
decode_kernel(const gavel_cuda_attention args) {
  const gavel_cuda_tile tile = args.tile[block_x()];
  if (tile.row_begin == tile.row_end) {
    return;
  }
  const TileKeys keys(args, tile);
  const int kv_head = block_y();
  const int shared_by = args.heads / args.kv_heads;
  const int first_head = kv_head * shared_by + block_z() * heads;
  const int left = shared_by - block_z() * heads;
  const int count = left < heads ? left : heads;
  const int element = thread_index() % (dims / kChunk) * kChunk;
  float query[heads][kChunk] = {};
  DecodeSums<heads> sums = {};
  GAVEL_UNROLL
  for (int h = 0; h < heads; h++) {
    sums.highest[h] = -INFINITY;
    if (h < count && element < args.head_dim) {
      load8(static_cast<const T*>(args.queries) +
                (static_cast<int64_t>(tile.row_begin) * args.heads + first_head + h) * args.head_dim + element,
            query[h]);
    }
    for (int i = 0; i < kChunk; i++) {
      query[h][i] *= args.scale * 1.44269504088896340736f;
    }
  }
  decode_keys<T, dims, heads>(args, keys, kv_head, query, sums);
  decode_write<T, dims, heads>(args, tile, first_head, count, sums);
}

}  // namespace gavel::cuda
