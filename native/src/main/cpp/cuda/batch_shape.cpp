#include "cuda/batch_shape.h"

#include <algorithm>
#include <bit>

namespace gavel {

namespace {

// An empty tile costs a block that leaves at once: this many of them a device has done before it notices.
constexpr int kPrefillTilesLeast = 16;

int count_of(const auto& values) { return static_cast<int>(values.size()); }

AttentionShape shape_of(const AttentionPlan& plan) {
  return {count_of(plan.prefill), count_of(plan.decode), count_of(plan.merged_rows), count_of(plan.parts)};
}

// Of single rows, either none is split or there is room to split all of them as far as the device has use for it:
// while contexts are short, a decoding batch goes without the merge.
AttentionShape rounded_to(int single_rows, const AttentionShape& shape, const TileLimits& limits) {
  AttentionShape result;
  if (shape.prefill_tiles > 0) {
    result.prefill_tiles =
        std::max(kPrefillTilesLeast, static_cast<int>(std::bit_ceil(static_cast<unsigned>(shape.prefill_tiles))));
  }
  result.decode_tiles = single_rows;
  if (shape.merged_rows > 0) {
    result.decode_tiles = result.parts = single_rows * limits.parts(single_rows);
    result.merged_rows = single_rows;
  }
  return result;
}

}  // namespace

BatchShape BatchShape::of(const Plan& plan, const DevicePlan& device_plan, const OutputRoom& room) {
  LabelShape labels;
  if (plan.scored > 0) {
    const FlatLabels& flat = plan.labels->flat();
    labels = {count_of(flat.candidate_tokens), plan.labels->count(), count_of(flat.form_offsets) - 1,
              count_of(flat.form_steps), plan.batch->label_mass != 0};
  }
  return {plan.rows(), room, labels, shape_of(device_plan.layers), shape_of(device_plan.outputs)};
}

BatchShape BatchShape::rounded(const Config& config, const DevicePlan& device_plan, const TileLimits& limits) const {
  return {std::min(bucket(rows), config.batch_tokens_max), outputs, labels,
          rounded_to(bucket(device_plan.layers.single_rows), layers, limits),
          rounded_to(outputs.total(), output_attention, limits)};
}

}  // namespace gavel
