// Label head: from hidden rows to label distributions and tiers in one launch; see gavel_cuda_head.
//
// A block multiplies up to 64 hidden rows, whole sequences, with 128 rows of the vocabulary and keeps of each row
// the maximum and the sum of exponentials. On the side the blocks of a row tile share its candidates' logits.
// The last block of a row tile to finish merges the pieces, in the order of the vocabulary whoever is last, and
// ends with labels and tiers. Without normalizers there is no product, and a block per sequence does all of it.
#pragma once

#include "device/log_sum.h"
#include "gavel_cuda.h"
#include "kernels/gemm_tile.cuh"
#include "kernels/tier.cuh"

namespace gavel::cuda {

constexpr int kHeadRowTilesMax = 4096;

// How sequences and vocabulary are cut, and where the pieces lie in the workspace.
struct HeadShape {
  int tile_sequences;  // per row tile
  int row_tiles;
  int column_tiles;

  GAVEL_HOST_DEVICE HeadShape(int sequences, int nodes, int vocabulary, bool normalizers)
      : tile_sequences(normalizers ? 64 / nodes : 1),
        row_tiles((sequences + tile_sequences - 1) / tile_sequences),
        column_tiles(normalizers ? (vocabulary + 127) / 128 : 1) {}

  GAVEL_HOST_DEVICE int pieces() const { return 2 * column_tiles; }  // per row
};

struct HeadWorkspace {
  int* counters;   // [kHeadRowTilesMax], zero between launches
  float* logits;   // [sequences, candidates]
  LogSum* pieces;  // [sequences * nodes, pieces]

  GAVEL_HOST_DEVICE static int64_t pieces_offset(int64_t sequences, int64_t candidates) {
    return kHeadRowTilesMax * static_cast<int64_t>(sizeof(int)) +
           (sequences * candidates + 1) / 2 * 2 * static_cast<int64_t>(sizeof(float));
  }

  GAVEL_HOST_DEVICE HeadWorkspace(void* workspace, int64_t sequences, int64_t candidates)
      : counters(static_cast<int*>(workspace)),
        logits(reinterpret_cast<float*>(counters + kHeadRowTilesMax)),
        pieces(reinterpret_cast<LogSum*>(static_cast<char*>(workspace) + pieces_offset(sequences, candidates))) {}
};

template <typename T>
struct LabelHead {
  const gavel_cuda_head& args;
  const HeadShape shape;
  const HeadWorkspace workspace;
  const int row_tile;
  const int first_sequence;
  const int sequences;  // of this row tile

  GAVEL_DEVICE explicit LabelHead(const gavel_cuda_head& head)
      : args(head),
        shape(head.sequences, head.nodes, head.vocabulary, head.normalizers != 0),
        workspace(head.workspace, head.sequences, head.candidates),
        row_tile(block_x() % shape.row_tiles),
        first_sequence(row_tile * shape.tile_sequences),
        sequences(head.sequences - first_sequence < shape.tile_sequences ? head.sequences - first_sequence
                                                                         : shape.tile_sequences) {}

  // Maximum and sum of exponentials of each row over this block's part of the vocabulary.
  GAVEL_DEVICE void add_pieces() const {
    const int column_tile = block_x() / shape.row_tiles;
    const int first_row = first_sequence * args.nodes;
    const int rows = sequences * args.nodes;
    const int first_column = column_tile * 128;
    const T* normed = static_cast<const T*>(args.normed) + static_cast<int64_t>(first_row) * args.width;
    const T* head = static_cast<const T*>(args.head) + static_cast<int64_t>(first_column) * args.width;
    const int columns = args.vocabulary - first_column;
    GemmTile<T> tile;
    tile.run(
        args.width, normed,
        [&](int row) { return row < rows ? normed + static_cast<int64_t>(row) * args.width : nullptr; },
        [&](int column) { return column < columns ? head + static_cast<int64_t>(column) * args.width : nullptr; });
    GAVEL_UNROLL
    for (int m = 0; m < 2; m++) {
      GAVEL_UNROLL
      for (int half = 0; half < 2; half++) {
        float highest = -INFINITY;
        GAVEL_UNROLL
        for (int n = 0; n < 8; n++) {
          for (int i = 2 * half; i < 2 * half + 2; i++) {
            highest = tile.column(n, i) < columns ? fmaxf(highest, tile.sums[m][n][i]) : highest;
          }
        }
        highest = lanes_max<4>(highest);
        float total = 0;
        GAVEL_UNROLL
        for (int n = 0; n < 8; n++) {
          for (int i = 2 * half; i < 2 * half + 2; i++) {
            total += tile.column(n, i) < columns ? expf(tile.sums[m][n][i] - highest) : 0.0f;
          }
        }
        total = lanes_sum<4>(total);
        const int row = tile.row(m, 2 * half);
        if (thread_index() % 4 == 0 && row < rows) {
          workspace
              .pieces[static_cast<int64_t>(first_row + row) * shape.pieces() + 2 * column_tile + tile.column_half()] = {
              highest, total};
        }
      }
    }
  }

  // Norm and product in one pass of a warp, in fp32.
  GAVEL_DEVICE float candidate_logit(int64_t hidden_row, int candidate) const {
    const T* x = static_cast<const T*>(args.residual) + hidden_row * args.width;
    const T* weight =
        static_cast<const T*>(args.head) + static_cast<int64_t>(args.candidate_tokens[candidate]) * args.width;
    float squares = 0;
    float dot = 0;
    for (int i = thread_index() % kWarp * kChunk; i < args.width; i += kWarp * kChunk) {
      float a[kChunk];
      float gain[kChunk];
      float b[kChunk];
      load8(x + i, a);
      load8(static_cast<const T*>(args.norm_weight) + i, gain);
      load8(weight + i, b);
      for (int j = 0; j < kChunk; j++) {
        squares += a[j] * a[j];
        dot += a[j] * gain[j] * b[j];
      }
    }
    squares = lanes_sum(squares);
    return lanes_sum(dot) * rsqrtf(squares / static_cast<float>(args.width) + args.epsilon);
  }

  // Some sequences of the row tile, spread over its blocks.
  GAVEL_DEVICE void add_candidates() const {
    const int warps = GemmTile<T>::kThreads / kWarp;
    for (int s = block_x() / shape.row_tiles; s < sequences; s += shape.column_tiles) {
      const int64_t sequence = first_sequence + s;
      for (int c = thread_index() / kWarp; c < args.candidates; c += warps) {
        const float logit = candidate_logit(sequence * args.nodes + args.candidate_nodes[c], c);
        if (thread_index() % kWarp == 0) {
          workspace.logits[sequence * args.candidates + c] = logit;
        }
      }
    }
  }

  // Whether all other blocks of the row tile are done; then their results can be read.
  GAVEL_DEVICE bool is_last() const {
    if (shape.column_tiles == 1) {
      block_barrier();
      return true;
    }
    int* flag = static_cast<int*>(shared_memory());
    memory_fence();
    block_barrier();
    if (thread_index() == 0) {
      *flag = atomic_add(workspace.counters + row_tile, 1) + 1 == shape.column_tiles;
      if (*flag != 0) {
        workspace.counters[row_tile] = 0;
      }
    }
    block_barrier();
    const bool last = *flag != 0;
    block_barrier();
    memory_fence();
    return last;
  }

  // Log-sum-exp of the vocabulary for each hidden row of the tile, in shared memory.
  GAVEL_DEVICE void finish_normalizers(float* normalizers) const {
    for (int row = thread_index() / kWarp; row < sequences * args.nodes; row += GemmTile<T>::kThreads / kWarp) {
      const LogSum* pieces =
          workspace.pieces + static_cast<int64_t>(first_sequence * args.nodes + row) * shape.pieces();
      LogSum sum;
      for (int p = thread_index() % kWarp; p < shape.pieces(); p += kWarp) {
        sum.merge({load_fresh(&pieces[p].highest), load_fresh(&pieces[p].total)});
      }
      sum = lanes_merge(sum);
      if (thread_index() % kWarp == 0) {
        normalizers[row] = sum.log();
      }
    }
    block_barrier();
  }

  GAVEL_DEVICE float form_weight(int form, const float* logits, const float* normalizers) const {
    float weight = 0;
    for (int step = args.form_offsets[form]; step < args.form_offsets[form + 1]; step++) {
      const int candidate = args.form_steps[step];
      const int node = args.candidate_nodes[candidate];
      weight += load_fresh(logits + candidate) - (node > 0 ? normalizers[node] : 0.0f);
    }
    return weight;
  }

  // One warp, one sequence. normalizers: of its nodes.
  GAVEL_DEVICE void finish_sequence(int64_t sequence, const float* normalizers) const {
    const int lane = thread_index() % kWarp;
    const float* logits = workspace.logits + sequence * args.candidates;
    float* out = args.log_probabilities + sequence * args.labels;
    LogSum all;
    for (int label = lane; label < args.labels; label += kWarp) {
      LogSum sum;
      for (int form = args.label_offsets[label]; form < args.label_offsets[label + 1]; form++) {
        sum.add(form_weight(form, logits, normalizers));
      }
      out[label] = sum.log();
      all.add(out[label]);
    }
    const float total = lanes_merge(all).log();
    for (int label = lane; label < args.labels; label += kWarp) {
      out[label] -= total;
    }
    warp_barrier();
    if (lane == 0) {
      if (args.log_mass != nullptr) {
        args.log_mass[sequence] = total - normalizers[0];
      }
      if (args.tiers != nullptr) {
        args.tiers[sequence] = tier_label(out, args.labels, args.tier_threshold);
      }
    }
  }
};

template <typename T>
GAVEL_KERNEL(GemmTile<T>::kThreads)
head_kernel(const gavel_cuda_head args) {
  const LabelHead<T> head(args);
  if (args.normalizers != 0) {
    head.add_pieces();
  }
  head.add_candidates();
  if (!head.is_last()) {
    return;
  }
  float* normalizers = static_cast<float*>(shared_memory());
  if (args.normalizers != 0) {
    head.finish_normalizers(normalizers);
  }
  for (int s = thread_index() / kWarp; s < head.sequences; s += GemmTile<T>::kThreads / kWarp) {
    head.finish_sequence(head.first_sequence + s, normalizers + s * args.nodes);
  }
}

}  // namespace gavel::cuda
