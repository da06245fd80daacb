// A batch's plan as the CUDA kernels want it: where keys and values go, lists of the keys that rows share, tiles.
//
// Slots number tokens of keys and values: those of the pool first, block * block_tokens + place, then one scratch
// slot per row of the batch. A row that is kept has its slot in its block, so nothing is written twice.
//
// Consecutive sequences that see the same keys before their own (children of one parent, or chains of the same
// blocks) are a family: they share a list, and a tile of query rows may hold several of them.
#pragma once

#include <cstdint>
#include <vector>

#include "gavel_cuda.h"
#include "model/config.h"
#include "model/plan.h"

namespace gavel {

// How attention is cut for a device.
struct TileLimits {
  int prefill_rows;  // rows of a prefill tile; gavel_cuda_attention.tile_rows
  int decode_tiles;  // tiles of single rows that fill the device: with fewer, rows are split over their keys
  int part_keys;     // least keys of such a part
};

// Attention of some rows: tiles for one launch of either kernel, and the merge of what they split.
struct AttentionPlan {
  std::vector<gavel_cuda_tile> prefill;
  std::vector<gavel_cuda_tile> decode;
  int partial_rows = 0;
  std::vector<int32_t> merged_rows;
  std::vector<int32_t> part_offsets;  // [merged_rows + 1]
  std::vector<int32_t> parts;         // partial rows
};

class DevicePlan {
 public:
  void build(const Config& config, const Plan& plan, const TileLimits& limits);

  std::vector<int32_t> slots;      // [rows]
  std::vector<int32_t> row_first;  // [rows] first row of the row's sequence
  std::vector<int32_t> slot_list;
  AttentionPlan layers;   // all rows: queries are numbered like rows
  AttentionPlan outputs;  // of the last layer: queries are numbered like the plan's outputs

 private:
  // What a sequence sees before its own rows, as a part of slot_list.
  struct List {
    int begin;
    int count;
  };

  void place_rows(const Config& config, const Plan& plan);
  void list_ancestors(const Config& config, const Plan& plan);
  bool same_family(const Plan& plan, int a, int b) const;
  void add_single(const TileLimits& limits, int query, int row, int rows_in_all, List list, AttentionPlan& target);

  std::vector<List> lists_;       // [sequences]
  std::vector<int> child_lists_;  // [sequences] a child's, or -1: scratch
};

}  // namespace gavel
