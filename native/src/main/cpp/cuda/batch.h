// A planned batch as arrays on a device.
#pragma once

#include <cstdint>

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
  int32_t partial_rows = 0;
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
class DeviceBatch {
 public:
  DeviceBatch(const Config& config, const Device& device, const TileLimits& limits);

  // Sorts the plan's outputs and enqueues the copy. The batch before must have been waited for.
  void send(Plan& plan);

  const TileLimits& limits() const { return limits_; }
  template <typename T>
  const T* at(const Staged<T>& staged) const {
    return staging_.at(staged);
  }
  int64_t bytes() const { return staging_.bytes(); }

  int32_t rows = 0;
  int32_t outputs = 0;
  Staged<int32_t> tokens, positions, slots, row_first;          // [rows]
  Staged<int32_t> output_rows, output_positions, output_slots;  // [outputs]
  Staged<int32_t> slot_list;
  StagedAttention attention;         // of all rows
  StagedAttention output_attention;  // of the outputs' rows, numbered like outputs
  StagedLabels labels;
  StagedSampling sampling;

 private:
  void stage_outputs(const Plan& plan);
  void stage_labels(const Labels& labels);
  void stage_sampling(const Plan& plan);
  StagedAttention stage(const AttentionPlan& plan);

  const Config& config_;
  const TileLimits limits_;
  DevicePlan plan_;
  Staging staging_;
};

}  // namespace gavel
