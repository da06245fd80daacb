#include "cuda/batch.h"

#include <algorithm>

namespace gavel {

DeviceBatch::DeviceBatch(const Config& config, const Device& device, const TileLimits& limits)
    : config_(config), limits_(limits), staging_(device) {}

void DeviceBatch::send(Plan& plan) {
  std::stable_sort(plan.outputs.begin(), plan.outputs.end(),
                   [](const PlannedOutput& a, const PlannedOutput& b) { return a.kind < b.kind; });
  plan_.build(config_, plan, limits_);
  staging_.clear();
  rows = plan.rows();
  outputs = static_cast<int32_t>(plan.outputs.size());
  tokens = staging_.add(plan.tokens);
  positions = staging_.add(plan.positions);
  slots = staging_.add(plan_.slots);
  row_first = staging_.add(plan_.row_first);
  slot_list = staging_.add(plan_.slot_list);
  attention = stage(plan_.layers);
  output_attention = stage(plan_.outputs);
  stage_outputs(plan);
  if (plan.scored > 0) {
    stage_labels(*plan.labels);
  }
  stage_sampling(plan);
  staging_.send();
}

StagedAttention DeviceBatch::stage(const AttentionPlan& plan) {
  return {staging_.add(plan.prefill),      staging_.add(plan.decode), staging_.add(plan.merged_rows),
          staging_.add(plan.part_offsets), staging_.add(plan.parts),  plan.partial_rows};
}

void DeviceBatch::stage_outputs(const Plan& plan) {
  std::vector<int32_t> rows_of;
  std::vector<int32_t> positions_of;
  std::vector<int32_t> slots_of;
  for (const PlannedOutput& output : plan.outputs) {
    rows_of.push_back(output.row);
    positions_of.push_back(plan.positions[output.row]);
    slots_of.push_back(plan_.slots[output.row]);
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
  sampling = {staging_.add(temperatures), staging_.add(top_ks), staging_.add(top_ps), staging_.add(seeds),
              staging_.add(draws)};
}

}  // namespace gavel
