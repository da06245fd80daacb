// Prefill attention of a ragged batch on the matrix units; see gavel_cuda_attention.
//
// A block takes one tile at one KV head. The query heads that share the KV head are rows beside each other, so
// each key read serves rows * group queries (grouped-query attention, arXiv 2305.13245). Keys and values come
// in blocks of 64, copied in the background while the previous block is multiplied; softmax is online, in base
// 2 (FlashAttention-2, arXiv 2307.08691). Queries pass through the second buffer into registers. Heads narrower
// than `dims` are filled with zeros.
#pragma once

#include "device/reduce.h"
#include "kernels/attention_keys.cuh"

namespace gavel::cuda {

constexpr int kKeyBlock = 64;
constexpr float kLog2E = 1.44269504088896340736f;
constexpr float kLn2 = 0.693147180559945309417f;

// One warp's 16 rows.
template <typename T, int dims>
struct AttentionRows {
  uint32_t query[dims / 16][4];
  float sums[dims / 8][4] = {};               // weighted values
  float highest[2] = {-INFINITY, -INFINITY};  // of the lane's two rows, in base 2
  float total[2] = {};                        // of this lane's columns only, until finish
  int own_low[2];                             // own keys that the rows see: numbers own_low to own_high
  int own_high[2];
};

template <typename T, int dims, int warps>
struct PrefillTile {
  static constexpr int kRows = 16 * warps;
  static constexpr int kThreads = warps * kWarp;
  static constexpr int kChunks = dims / kChunk;
  static constexpr int kBufferChunks = 2 * kKeyBlock * kChunks;  // keys, then values
  static constexpr size_t kSharedBytes = 2 * kBufferChunks * sizeof(Chunk);
  static_assert(kRows <= 2 * kKeyBlock, "queries pass through one buffer");

  const gavel_cuda_attention& args;
  const gavel_cuda_tile& tile;
  const TileKeys keys;
  const int kv_head;
  const int group;
  Chunk* const shared;

  GAVEL_DEVICE PrefillTile(const gavel_cuda_attention& attention, const gavel_cuda_tile& one, int head)
      : args(attention),
        tile(one),
        keys(attention, one),
        kv_head(head),
        group(attention.heads / attention.kv_heads),
        shared(static_cast<Chunk*>(shared_memory())) {}

  GAVEL_DEVICE Chunk* buffer(int block) const { return shared + block % 2 * kBufferChunks; }
  GAVEL_DEVICE int queries() const { return (tile.row_end - tile.row_begin) * group; }

  // Element offset of query `index` of the tile in [rows, heads, head_dim]; of the last one beyond the end.
  GAVEL_DEVICE int64_t query_offset(int index, int first_row) const {
    const int bounded = index < queries() ? index : queries() - 1;
    return (static_cast<int64_t>(first_row + bounded / group) * args.heads + kv_head * group + bounded % group) *
           args.head_dim;
  }

  GAVEL_DEVICE void copy_row(Chunk* rows, int row, int chunk, const T* source, bool valid) const {
    const bool inside = valid && chunk * kChunk < args.head_dim;
    copy_async(rows + swizzled<kChunks>(row, chunk), inside ? source + chunk * kChunk : source, inside ? 16 : 0);
  }

  GAVEL_DEVICE void copy_queries() const {
    for (int i = thread_index(); i < kRows * kChunks; i += kThreads) {
      const int row = i / kChunks;
      copy_row(buffer(1), row, i % kChunks, static_cast<const T*>(args.queries) + query_offset(row, tile.row_begin),
               true);
    }
  }

  GAVEL_DEVICE void copy_keys(int block) const {
    for (int i = thread_index(); i < kKeyBlock * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int key = block * kKeyBlock + row;
      const bool valid = key < keys.count;
      const int64_t offset = valid ? (keys.slot(key) * args.kv_heads + kv_head) * args.head_dim : 0;
      copy_row(buffer(block), row, i % kChunks, static_cast<const T*>(args.keys) + offset, valid);
      copy_row(buffer(block) + kKeyBlock * kChunks, row, i % kChunks, static_cast<const T*>(args.values) + offset,
               valid);
    }
  }

  GAVEL_DEVICE void load_queries(AttentionRows<T, dims>& rows) const {
    const int warp = thread_index() / kWarp;
    GAVEL_UNROLL
    for (int d = 0; d < dims / 16; d++) {
      load_a<kChunks>(rows.query[d], buffer(1), warp * 16, 2 * d);
    }
    for (int half = 0; half < 2; half++) {
      const int index = warp * 16 + half * 8 + thread_index() % kWarp / 4;
      const int row = tile.row_begin + (index < queries() ? index : queries() - 1) / group;
      const int last = row < tile.own_end ? row : tile.own_end - 1;
      rows.own_low[half] = keys.list_count + args.row_first[row] - tile.own_begin;
      rows.own_high[half] = keys.list_count + last - tile.own_begin;
    }
  }

  GAVEL_DEVICE bool sees(const AttentionRows<T, dims>& rows, int half, int key) const {
    return key < keys.list_count || (key >= rows.own_low[half] && key <= rows.own_high[half]);
  }

  GAVEL_DEVICE void multiply_block(AttentionRows<T, dims>& rows, int block) const {
    float scores[kKeyBlock / 8][4] = {};
    GAVEL_UNROLL
    for (int d = 0; d < dims / 16; d++) {
      GAVEL_UNROLL
      for (int n = 0; n < kKeyBlock / 16; n++) {
        uint32_t left[2];
        uint32_t right[2];
        load_b<kChunks>(left, right, buffer(block), n * 16, 2 * d);
        multiply<T>(scores[2 * n], rows.query[d], left);
        multiply<T>(scores[2 * n + 1], rows.query[d], right);
      }
    }
    weigh(rows, scores, block * kKeyBlock);
    const Chunk* values = buffer(block) + kKeyBlock * kChunks;
    GAVEL_UNROLL
    for (int k = 0; k < kKeyBlock / 16; k++) {
      const uint32_t weights[4] = {
          pack<T>(scores[2 * k][0], scores[2 * k][1]), pack<T>(scores[2 * k][2], scores[2 * k][3]),
          pack<T>(scores[2 * k + 1][0], scores[2 * k + 1][1]), pack<T>(scores[2 * k + 1][2], scores[2 * k + 1][3])};
      GAVEL_UNROLL
      for (int d = 0; d < dims / 16; d++) {
        uint32_t left[2];
        uint32_t right[2];
        load_b_transposed<kChunks>(left, right, values, k * 16, 2 * d);
        multiply<T>(rows.sums[2 * d], weights, left);
        multiply<T>(rows.sums[2 * d + 1], weights, right);
      }
    }
  }

  // Scores become weights relative to the highest score so far; what was summed before is scaled to it.
  GAVEL_DEVICE void weigh(AttentionRows<T, dims>& rows, float (&scores)[kKeyBlock / 8][4], int first_key) const {
    const float scale = args.scale * kLog2E;
    const bool all_seen = first_key + kKeyBlock <= keys.list_count;
    const int column = first_key + thread_index() % 4 * 2;
    GAVEL_UNROLL
    for (int half = 0; half < 2; half++) {
      float highest = rows.highest[half];
      GAVEL_UNROLL
      for (int n = 0; n < kKeyBlock / 8; n++) {
        GAVEL_UNROLL
        for (int i = 0; i < 2; i++) {
          float& score = scores[n][2 * half + i];
          score = all_seen || sees(rows, half, column + n * 8 + i) ? score * scale : -INFINITY;
          highest = fmaxf(highest, score);
        }
      }
      highest = lanes_max<4>(highest);
      const float base = highest == -INFINITY ? 0.0f : highest;  // of a row that has seen no key yet
      const float shrink = fast_exp2(rows.highest[half] - base);
      rows.highest[half] = highest;
      rows.total[half] *= shrink;
      GAVEL_UNROLL
      for (int n = 0; n < kKeyBlock / 8; n++) {
        GAVEL_UNROLL
        for (int i = 0; i < 2; i++) {
          float& score = scores[n][2 * half + i];
          score = fast_exp2(score - base);
          rows.total[half] += score;
        }
      }
      GAVEL_UNROLL
      for (int d = 0; d < dims / 8; d++) {
        rows.sums[d][2 * half] *= shrink;
        rows.sums[d][2 * half + 1] *= shrink;
      }
    }
  }

  GAVEL_DEVICE void write(AttentionRows<T, dims>& rows) const {
    const int lane = thread_index() % kWarp;
    for (int half = 0; half < 2; half++) {
      const float total = lanes_sum<4>(rows.total[half]);
      const float scale = 1.0f / total;
      const int index = thread_index() / kWarp * 16 + half * 8 + lane / 4;
      if (index < queries()) {
        const int64_t offset = query_offset(index, tile.partial < 0 ? tile.row_begin : tile.partial);
        if (tile.partial >= 0 && lane % 4 == 0) {
          args.partial_log_sums[offset / args.head_dim] = rows.highest[half] * kLn2 + logf(total);
        }
        GAVEL_UNROLL
        for (int d = 0; d < dims / 8; d++) {
          const int column = d * 8 + lane % 4 * 2;
          const float first = rows.sums[d][2 * half] * scale;
          const float second = rows.sums[d][2 * half + 1] * scale;
          if (d * 8 >= args.head_dim) {
            break;
          }
          if (tile.partial >= 0) {
            args.partial_out[offset + column] = first;
            args.partial_out[offset + column + 1] = second;
          } else {
            *reinterpret_cast<uint32_t*>(static_cast<T*>(args.out) + offset + column) = pack<T>(first, second);
          }
        }
      }
    }
  }
};

template <typename T, int dims, int warps>
GAVEL_KERNEL(warps* kWarp)
prefill_kernel(const gavel_cuda_attention args) {
  using Tile = PrefillTile<T, dims, warps>;
  const gavel_cuda_tile description = args.tile[block_x()];
  if (description.row_begin == description.row_end) {
    return;
  }
  const Tile tile(args, description, block_y());
  AttentionRows<T, dims> rows;
  tile.copy_queries();
  copy_commit();
  tile.copy_keys(0);
  copy_commit();
  copy_wait<1>();
  block_barrier();
  tile.load_queries(rows);
  block_barrier();  // before keys replace the queries
  const int blocks = (tile.keys.count + kKeyBlock - 1) / kKeyBlock;
  for (int block = 0; block < blocks; block++) {
    if (block + 1 < blocks) {
      tile.copy_keys(block + 1);
    }
    copy_commit();
    copy_wait<1>();
    block_barrier();
    tile.multiply_block(rows, block);
    block_barrier();  // before the next block but one replaces this one
  }
  copy_wait<0>();
  tile.write(rows);
}

}  // namespace gavel::cuda
