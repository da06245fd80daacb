#include "cuda/batch.h"

#include <algorithm>

namespace gavel {

DeviceBatch::DeviceBatch(const Config& config, const Device& device, const TileLimits& limits)
    : config_(config), limits_(limits), staging_(device) {}

void DeviceBatch::send(Plan& plan) {
  std::stable_sort(plan.outputs.begin(), plan.outputs.end(),
                   [](const PlannedOutput& a, const PlannedOutput& b) { return a.kind < b.kind; });
  const OutputRoom own = OutputRoom::of(plan);
  rounded_ = config_.graphs != 0 && !config_.dealt_out() && plan.rows() <= kRowsRounded &&
             own.rounded().total() <= config_.batch_tokens_max;
  const OutputRoom room = rounded_ ? own.rounded() : own;
  plan_.build(config_, plan, limits_, room);
  shape_ = BatchShape::of(plan, plan_, room);
  if (rounded_) {
    shape_ = shape_.rounded(config_, plan_, limits_);
  }
  staging_.clear();
  stage_rows(plan);
  attention = stage(plan_.layers, shape_.layers);
  output_attention = stage(plan_.outputs, shape_.output_attention);
  stage_outputs(plan);
  if (plan.scored > 0) {
    stage_labels(*plan.labels);
  }
  stage_sampling(plan);
  slot_list = staging_.add(plan_.slot_list);
  staging_.send();
}

void DeviceBatch::stage_rows(const Plan& plan) {
  tokens = staging_.add(plan.tokens, shape_.rows, 0);
  positions = staging_.add(plan.positions, shape_.rows, 0);
  slots = staging_.add(plan_.slots, shape_.rows, DevicePlan::filler_slot(config_));
  row_first = staging_.add(plan_.row_first, shape_.rows, 0);
  live_rows = staging_.add(std::vector<int32_t>{plan.rows()});
}

StagedAttention DeviceBatch::stage(const AttentionPlan& plan, const AttentionShape& shape) {
  const int32_t last = plan.part_offsets.back();
  return {staging_.add(plan.prefill, shape.prefill_tiles, {}), staging_.add(plan.decode, shape.decode_tiles, {}),
          staging_.add(plan.merged_rows, shape.merged_rows, -1),
          staging_.add(plan.part_offsets, shape.merged_rows + 1, last), staging_.add(plan.parts, shape.parts, 0)};
}

void DeviceBatch::stage_outputs(const Plan& plan) {
  const int32_t count = shape_.outputs.total();
  std::vector<int32_t> rows_of(count, 0);
  std::vector<int32_t> positions_of(count, 0);
  std::vector<int32_t> slots_of(count, DevicePlan::filler_slot(config_));
  for (size_t i = 0; i < plan.outputs.size(); i++) {
    const int row = plan.outputs[i].row;
    const int place = plan_.output_places[i];
    rows_of[place] = row;
    positions_of[place] = plan.positions[row];
    slots_of[place] = plan_.slots[row];
  }
  output_rows = staging_.add(rows_of);
  output_positions = staging_.add(positions_of);
  output_slots = staging_.add(slots_of);
}

void DeviceBatch::stage_labels(const Labels& source) {
  const FlatLabels& flat = source.flat();
  labels = {staging_.add(flat.candidate_tokens), staging_.add(flat.candidate_nodes), staging_.add(flat.label_offsets),
            staging_.add(flat.form_offsets), staging_.add(flat.form_steps)};
}

void DeviceBatch::stage_sampling(const Plan& plan) {
  std::vector<float> temperatures;
  std::vector<int32_t> top_ks;
  std::vector<float> top_ps;
  std::vector<int64_t> seeds;
  std::vector<int32_t> draws;
  for (const PlannedOutput& output : plan.outputs) {
    if (output.kind == GAVEL_OUTPUT_SAMPLE) {
      temperatures.push_back(plan.batch->temperatures[output.sequence]);
      top_ks.push_back(plan.batch->top_ks[output.sequence]);
      top_ps.push_back(plan.batch->top_ps[output.sequence]);
      seeds.push_back(plan.batch->seeds[output.sequence]);
      draws.push_back(plan.batch->draws[output.sequence]);
    }
  }
  // What fills up takes the best token.
  const int32_t count = shape_.outputs.sampled;
  sampling = {staging_.add(temperatures, count, 0), staging_.add(top_ks, count, 0), staging_.add(top_ps, count, 1),
              staging_.add(seeds, count, 0), staging_.add(draws, count, 0)};
}

}  // namespace gavel
