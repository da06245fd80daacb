// A batch's plan as the CUDA kernels want it: where keys and values go, lists of the keys that rows share, tiles.
//
// Slots number tokens of keys and values: those of the pool first, block * block_tokens + place, then one scratch
// slot per row of the batch, then one that rows write to which only fill a batch up. A row that is kept has its slot
// in its block, so nothing is written twice.
//
// Consecutive sequences that see the same keys before their own (children of one parent, or chains of the same
// blocks) are a family: they share a list, and a tile of query rows may hold several of them.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <vector>

#include "gavel_cuda.h"
#include "model/buckets.h"
#include "model/config.h"
#include "model/plan.h"

namespace gavel {

// How attention is cut for a device.
struct TileLimits {
  int prefill_rows;  // rows of a prefill tile; gavel_cuda_attention.tile_rows
  int decode_tiles;  // tiles of single rows that fill the device: with fewer, rows are split over their keys
  int part_keys;     // least keys of such a part

  // Most parts of one of so many single rows; the same for all counts of a bucket.
  int parts(int rows) const { return rows == 0 ? 1 : std::max(1, (decode_tiles + bucket(rows) - 1) / bucket(rows)); }
};

// Outputs by kind, in the order in which a device has them: of LABELS sequences all nodes, then SAMPLE, then LOGITS.
// There may be room for more of each than the batch has.
struct OutputRoom {
  int scored = 0;  // sequences
  int nodes = 1;   // outputs of each
  int sampled = 0;
  int logit_rows = 0;

  static OutputRoom of(const Plan& plan);
  OutputRoom rounded() const { return {bucket(scored), nodes, bucket(sampled), bucket(logit_rows)}; }
  // Where the outputs of a kind begin.
  int first(int kind) const {
    return kind == GAVEL_OUTPUT_LABELS ? 0 : scored * nodes + (kind == GAVEL_OUTPUT_SAMPLE ? 0 : sampled);
  }
  int total() const { return scored * nodes + sampled + logit_rows; }
  auto operator<=>(const OutputRoom&) const = default;
};

// Attention of some rows: tiles for one launch of either kernel, and the merge of what they split.
struct AttentionPlan {
  std::vector<gavel_cuda_tile> prefill;
  std::vector<gavel_cuda_tile> decode;
  int single_rows = 0;  // that the decode tiles are of
  int partial_rows = 0;
  std::vector<int32_t> merged_rows;
  std::vector<int32_t> part_offsets;  // [merged_rows + 1]
  std::vector<int32_t> parts;         // partial rows
};

class DevicePlan {
 public:
  // The plan's outputs are in the order of their kinds, and the room has place for them.
  void build(const Config& config, const Plan& plan, const TileLimits& limits, const OutputRoom& room);

  // Where rows write that only fill a batch up; nobody reads it.
  static int32_t filler_slot(const Config& config) {
    return config.blocks * config.block_tokens + config.batch_tokens_max;
  }
  // Slots of a layer.
  static int64_t all_slots(const Config& config) { return int64_t{filler_slot(config)} + 1; }

  std::vector<int32_t> slots;      // [rows]
  std::vector<int32_t> row_first;  // [rows] first row of the row's sequence
  std::vector<int32_t> slot_list;
  AttentionPlan layers;            // all rows: queries are numbered like rows
  std::vector<int> output_places;  // [outputs] in the room
  AttentionPlan outputs;           // of the last layer: queries are numbered like places in the room

 private:
  // What a sequence sees before its own rows, as a part of slot_list.
  struct List {
    int begin;
    int count;
  };

  void place_rows(const Config& config, const Plan& plan);
  void list_ancestors(const Config& config, const Plan& plan);
  bool same_family(const Plan& plan, int a, int b) const;
  void place_outputs(const Plan& plan, const OutputRoom& room);
  void add_single(const TileLimits& limits, int query, int row, int parts_most, List list, AttentionPlan& target);

  std::vector<List> lists_;       // [sequences]
  std::vector<int> child_lists_;  // [sequences] a child's, or -1: scratch
};

}  // namespace gavel
