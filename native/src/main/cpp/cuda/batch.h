// A planned batch as arrays on a device.
#pragma once

#include <cstdint>

#include "cuda/batch_shape.h"
#include "cuda/staging.h"
#include "model/device_plan.h"
#include "model/plan.h"

namespace gavel {

struct StagedAttention {
  Staged<gavel_cuda_tile> prefill;
  Staged<gavel_cuda_tile> decode;
  Staged<int32_t> merged_rows;
  Staged<int32_t> part_offsets;
  Staged<int32_t> parts;
};

struct StagedLabels {
  Staged<int32_t> candidate_tokens;
  Staged<int32_t> candidate_nodes;
  Staged<int32_t> label_offsets;
  Staged<int32_t> form_offsets;
  Staged<int32_t> form_steps;
};

// One entry per sampled sequence.
struct StagedSampling {
  Staged<float> temperatures;
  Staged<int32_t> top_ks;
  Staged<float> top_ps;
  Staged<int64_t> seeds;
  Staged<int32_t> draws;
};

// Sends a batch with one copy. Outputs come by kind: of LABELS sequences all nodes, then SAMPLE, then LOGITS.
//
// A batch that is small enough for a graph is rounded up to a shape that comes again, whether or not there is a graph
// of it yet, so that its results do not depend on that. A rank's are not. Rows that fill up are token 0 at position 0,
// seen by nobody, and outputs that fill up are row 0; both write their keys to a slot that nobody reads. Tiles that
// fill up are empty.
class DeviceBatch {
 public:
  // Rows of the largest batch that is rounded up: a larger one is at work for longer than its launches take, and
  // pays for rows that fill it up.
  static constexpr int kRowsRounded = 1024;

  DeviceBatch(const Config& config, const Device& device, const TileLimits& limits);

  // Sorts the plan's outputs and enqueues the copy. The batch before must have been waited for.
  void send(Plan& plan);

  const TileLimits& limits() const { return limits_; }
  const BatchShape& shape() const { return shape_; }
  bool rounded() const { return rounded_; }
  template <typename T>
  const T* at(const Staged<T>& staged) const {
    return staging_.at(staged);
  }
  int64_t bytes() const { return staging_.bytes(); }

  Staged<int32_t> tokens, positions, slots, row_first;          // [rows]
  Staged<int32_t> live_rows;                                    // [1] rows that do not fill up
  Staged<int32_t> output_rows, output_positions, output_slots;  // [outputs]
  StagedAttention attention;                                    // of all rows
  StagedAttention output_attention;                             // of the outputs' rows, numbered like outputs
  StagedLabels labels;
  StagedSampling sampling;
  Staged<int32_t> slot_list;  // the last, since its size is not of the shape

 private:
  void stage_rows(const Plan& plan);
  void stage_outputs(const Plan& plan);
  void stage_labels(const Labels& labels);
  void stage_sampling(const Plan& plan);
  StagedAttention stage(const AttentionPlan& plan, const AttentionShape& shape);

  const Config& config_;
  const TileLimits limits_;
  DevicePlan plan_;
  BatchShape shape_;
  bool rounded_ = false;
  Staging staging_;
};

}  // namespace gavel
