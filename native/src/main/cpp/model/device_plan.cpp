#include "model/device_plan.h"

#include <algorithm>

namespace gavel {

OutputRoom OutputRoom::of(const Plan& plan) {
  return {plan.scored, plan.scored > 0 ? static_cast<int>(plan.labels->nodes().size()) : 1, plan.sampled,
          plan.logit_rows};
}

void DevicePlan::build(const Config& config, const Plan& plan, const TileLimits& limits, const OutputRoom& room) {
  place_rows(config, plan);
  place_outputs(plan, room);
  list_ancestors(config, plan);
  layers = {};
  outputs = {};
  layers.part_offsets.push_back(0);
  outputs.part_offsets.push_back(0);
  const int count = static_cast<int>(plan.sequences.size());
  // Families of one row go to the decode kernel.
  std::vector<int> singles;
  for (int begin = 0; begin < count;) {
    int end = begin + 1;
    while (end < count && same_family(plan, begin, end)) {
      end++;
    }
    const int last = plan.sequences[end - 1].row_end;
    const List list = lists_[begin];
    int row = plan.sequences[begin].row_begin;
    if (last - row == 1) {
      singles.push_back(row);
    } else {
      for (; row < last; row += limits.prefill_rows) {
        const int stop = std::min(last, row + limits.prefill_rows);
        layers.prefill.push_back({row, stop, list.begin, list.count, row_first[row], stop, -1});
      }
    }
    begin = end;
  }
  const int parts = limits.parts(static_cast<int>(singles.size()));
  for (const int row : singles) {
    add_single(limits, row, row, parts, lists_[plan.row_sequence[row]], layers);
  }
  // By the rounded room whether or not this batch is rounded, so that its results are the same.
  const int output_parts = limits.parts(room.rounded().total());
  for (size_t i = 0; i < plan.outputs.size(); i++) {
    const int row = plan.outputs[i].row;
    add_single(limits, output_places[i], row, output_parts, lists_[plan.row_sequence[row]], outputs);
  }
}

void DevicePlan::place_outputs(const Plan& plan, const OutputRoom& room) {
  output_places.clear();
  int kind = -1;
  int next = 0;
  for (const PlannedOutput& output : plan.outputs) {
    if (output.kind != kind) {
      kind = output.kind;
      next = room.first(kind);
    }
    output_places.push_back(next++);
  }
}

void DevicePlan::place_rows(const Config& config, const Plan& plan) {
  const int scratch = config.blocks * config.block_tokens;
  slots.clear();
  row_first.clear();
  for (const PlannedSequence& sequence : plan.sequences) {
    for (int row = sequence.row_begin; row < sequence.row_end; row++) {
      const int kept = sequence.keep_start + row - sequence.row_begin;
      slots.push_back(sequence.keep_begin < 0
                          ? scratch + row
                          : plan.batch->keep_blocks[sequence.keep_begin + kept / config.block_tokens] *
                                    config.block_tokens +
                                kept % config.block_tokens);
      row_first.push_back(sequence.row_begin);
    }
  }
}

// A parent comes before its children, so its own list is there: a child's is that and the parent's rows.
void DevicePlan::list_ancestors(const Config& config, const Plan& plan) {
  const int count = static_cast<int>(plan.sequences.size());
  slot_list.clear();
  lists_.clear();
  child_lists_.assign(count, -1);
  for (int s = 0; s < count; s++) {
    const PlannedSequence& sequence = plan.sequences[s];
    if (s > 0 && same_family(plan, s - 1, s)) {
      lists_.push_back(lists_[s - 1]);
      continue;
    }
    const int parent = sequence.parent;
    if (parent >= 0 && child_lists_[parent] >= 0) {
      lists_.push_back(lists_[child_lists_[parent]]);
      continue;
    }
    const int begin = static_cast<int>(slot_list.size());
    if (parent >= 0) {
      child_lists_[parent] = s;
      for (int i = 0; i < lists_[parent].count; i++) {
        slot_list.push_back(slot_list[lists_[parent].begin + i]);
      }
      const PlannedSequence& above = plan.sequences[parent];
      slot_list.insert(slot_list.end(), slots.begin() + above.row_begin, slots.begin() + above.row_end);
    }
    for (int i = sequence.chain_begin; i < sequence.chain_end; i++) {
      for (int place = 0; place < plan.batch->chain_counts[i]; place++) {
        slot_list.push_back(plan.batch->chain_blocks[i] * config.block_tokens + place);
      }
    }
    lists_.push_back({begin, static_cast<int>(slot_list.size()) - begin});
  }
}

bool DevicePlan::same_family(const Plan& plan, int a, int b) const {
  const PlannedSequence& first = plan.sequences[a];
  const PlannedSequence& second = plan.sequences[b];
  if (first.parent >= 0 || second.parent >= 0) {
    return first.parent == second.parent;
  }
  const gavel_batch& batch = *plan.batch;
  const auto equal = [&](const int32_t* values) {
    return std::equal(values + first.chain_begin, values + first.chain_end, values + second.chain_begin,
                      values + second.chain_end);
  };
  return first.chain_end - first.chain_begin == second.chain_end - second.chain_begin &&
         (first.chain_end == first.chain_begin || (equal(batch.chain_blocks) && equal(batch.chain_counts)));
}

// One row, in as many parts of its list as leave no multiprocessor idle. The last part has the own rows.
void DevicePlan::add_single(const TileLimits& limits, int query, int row, int parts_most, List list,
                            AttentionPlan& target) {
  const int parts = std::max(1, std::min(parts_most, list.count / limits.part_keys));
  target.single_rows++;
  for (int p = 0; p < parts; p++) {
    const int begin = static_cast<int>(static_cast<int64_t>(list.count) * p / parts);
    const int end = static_cast<int>(static_cast<int64_t>(list.count) * (p + 1) / parts);
    const bool last = p + 1 == parts;
    target.decode.push_back({query, query + 1, list.begin + begin, end - begin, last ? row_first[row] : 0,
                             last ? row + 1 : 0, parts == 1 ? -1 : target.partial_rows});
    if (parts > 1) {
      target.parts.push_back(target.partial_rows++);
    }
  }
  if (parts > 1) {
    target.merged_rows.push_back(query);
    target.part_offsets.push_back(static_cast<int32_t>(target.parts.size()));
  }
}

}  // namespace gavel
