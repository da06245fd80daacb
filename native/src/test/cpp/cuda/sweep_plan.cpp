// The plan of a batch for a device: over all tiles, every row must see exactly what the seam says that it sees.
#include <algorithm>
#include <map>

#include "cuda/batch_shape.h"
#include "model/device_plan.h"
#include "owned_batch.h"
#include "sweep.h"

namespace sweep {

namespace {

constexpr int kBlockTokens = 4;
constexpr int kBlocks = 64;

// A random batch of the seam.
struct Forest : OwnedBatch {
  explicit Forest(int sequences) {
    vector<int32_t> free_blocks;
    for (int b = kBlocks / 2; b < kBlocks; b++) {
      free_blocks.push_back(b);
    }
    for (int s = 0; s < sequences; s++) {
      add(s, free_blocks);
    }
  }

  void add(int s, vector<int32_t>& free_blocks) {
    const int length = random_int(1, 3) == 1 ? 1 : random_int(1, 9);
    tokens.insert(tokens.end(), length, 0);
    token_offsets.push_back(static_cast<int32_t>(tokens.size()));
    const bool sibling = s > 0 && random_int(0, 2) > 0;
    parents.push_back(sibling ? parents[s - 1] : s > 0 && coin() ? random_int(0, s - 1) : -1);
    if (parents[s] < 0 && sibling) {  // the same chain as its neighbour's
      for (int i = chain_offsets[s - 1]; i < chain_offsets[s]; i++) {
        chain_blocks.push_back(int32_t{chain_blocks[i]});
        chain_counts.push_back(int32_t{chain_counts[i]});
      }
    } else if (parents[s] < 0) {
      for (int i = random_int(0, 4); i > 0; i--) {
        chain_blocks.push_back(random_int(0, kBlocks / 2 - 1));
        chain_counts.push_back(random_int(1, kBlockTokens));
      }
    }
    chain_offsets.push_back(static_cast<int32_t>(chain_blocks.size()));
    keep_starts.push_back(random_int(0, kBlockTokens - 1));
    const size_t needed = (keep_starts[s] + length + kBlockTokens - 1) / kBlockTokens;
    for (size_t i = 0; i < needed && (s % 2 == 0) && free_blocks.size() >= needed - i; i++) {
      keep_blocks.push_back(free_blocks.back());
      free_blocks.pop_back();
    }
    if ((keep_blocks.size() - keep_offsets.back()) < needed) {
      keep_blocks.resize(keep_offsets.back());
    }
    keep_offsets.push_back(static_cast<int32_t>(keep_blocks.size()));
    outputs.push_back(coin() ? GAVEL_OUTPUT_LOGITS : GAVEL_OUTPUT_NONE);
  }

  // By the seam's definition.
  int32_t slot(int s, int i) const {
    if (keep_offsets[s] == keep_offsets[s + 1]) {
      return kBlocks * kBlockTokens + token_offsets[s] + i;
    }
    const int place = keep_starts[s] + i;
    return keep_blocks[keep_offsets[s] + place / kBlockTokens] * kBlockTokens + place % kBlockTokens;
  }

  vector<int32_t> visible(int s, int i) const {
    vector<int32_t> slots;
    if (parents[s] >= 0) {
      slots = visible(parents[s], token_offsets[parents[s] + 1] - token_offsets[parents[s]] - 1);
    }
    for (int c = chain_offsets[s]; c < chain_offsets[s + 1]; c++) {
      for (int place = 0; place < chain_counts[c]; place++) {
        slots.push_back(chain_blocks[c] * kBlockTokens + place);
      }
    }
    for (int own = 0; own <= i; own++) {
      slots.push_back(slot(s, own));
    }
    return slots;
  }
};

gavel::Config make_config() {
  gavel_config config{};
  config.vocabulary = config.hidden = config.layers = config.heads = config.kv_heads = config.threads = 1;
  config.head_dim = 2;
  config.intermediate = 1;
  config.max_positions = config.batch_tokens_max = 10000;
  config.rope_theta = 1;
  config.block_tokens = kBlockTokens;
  config.blocks = kBlocks;
  return gavel::Config(config);
}

// Slots that the tiles let each query see, in their order; a query's row is what it asks for.
std::map<int, vector<int32_t>> seen(const gavel::DevicePlan& plan, const gavel::AttentionPlan& attention,
                                    const vector<int>& query_rows) {
  std::map<int, vector<int32_t>> whole;
  std::map<int, vector<int32_t>> parts;
  for (const auto* tiles : {&attention.prefill, &attention.decode}) {
    for (const gavel_cuda_tile& tile : *tiles) {
      for (int query = tile.row_begin; query < tile.row_end; query++) {
        const int row = query_rows[query];
        vector<int32_t> slots(plan.slot_list.begin() + tile.list_begin,
                              plan.slot_list.begin() + tile.list_begin + tile.list_count);
        for (int own = tile.own_begin; own < tile.own_end; own++) {
          if (own >= plan.row_first[row] && own <= row) {
            slots.push_back(plan.slots[own]);
          }
        }
        const int at = tile.partial < 0 ? query : tile.partial + query - tile.row_begin;
        auto& target = tile.partial < 0 ? whole : parts;
        expect_equal("plan: rows in one tile", 0, static_cast<int64_t>(target.count(at)));
        target[at] = slots;
      }
    }
  }
  for (size_t m = 0; m < attention.merged_rows.size(); m++) {
    vector<int32_t>& slots = whole[attention.merged_rows[m]];
    for (int p = attention.part_offsets[m]; p < attention.part_offsets[m + 1]; p++) {
      const vector<int32_t>& part = parts[attention.parts[p]];
      expect_equal("plan: no part without keys", 0, part.empty());
      slots.insert(slots.end(), part.begin(), part.end());
    }
  }
  return whole;
}

void expect_fits(const gavel::AttentionShape& own, const gavel::AttentionShape& rounded,
                 const gavel::TileLimits& limits) {
  expect_equal("shape: room for all tiles", 1,
               own.prefill_tiles <= rounded.prefill_tiles && own.decode_tiles <= rounded.decode_tiles &&
                   own.merged_rows <= rounded.merged_rows && own.parts <= rounded.parts);
  expect_equal("shape: launches of the same kernels", 1,
               (own.prefill_tiles > 0) == (rounded.prefill_tiles > 0) &&
                   (own.decode_tiles > 0) == (rounded.decode_tiles > 0) &&
                   (own.merged_rows > 0) == (rounded.merged_rows > 0));
  // What the engine has room for.
  expect_equal("shape: parts of split rows", 1, rounded.parts <= 2 * limits.decode_tiles);
}

void test_plan(const gavel::Config& config, int sequences, const gavel::TileLimits& limits) {
  const Forest forest(sequences);
  const gavel_batch batch = forest.view(false);
  gavel::Plan plan;
  plan.build(config, batch, nullptr);
  gavel::DevicePlan device;
  const gavel::OutputRoom room = gavel::OutputRoom::of(plan);
  device.build(config, plan, limits, room.rounded());
  const gavel::BatchShape shape = gavel::BatchShape::of(plan, device, room.rounded());
  const gavel::BatchShape rounded = shape.rounded(config, device, limits);
  expect_equal("shape: rows", 1, shape.rows <= rounded.rows);
  expect_fits(shape.layers, rounded.layers, limits);
  expect_fits(shape.output_attention, rounded.output_attention, limits);
  const gavel::BatchShape wide = shape;
  device.build(config, plan, limits, room);
  const gavel::BatchShape own = gavel::BatchShape::of(plan, device, room);
  expect_equal("shape: the same tiles whatever the room", 1,
               own.layers == wide.layers && own.output_attention == wide.output_attention);
  if (coin()) {
    device.build(config, plan, limits, room.rounded());
  }
  vector<vector<int32_t>> expected;
  vector<int> rows;
  for (int s = 0; s < sequences; s++) {
    for (int i = 0; i < forest.token_offsets[s + 1] - forest.token_offsets[s]; i++) {
      expect_equal("plan: slot", forest.slot(s, i), device.slots[rows.size()]);
      rows.push_back(static_cast<int>(rows.size()));
      expected.push_back(forest.visible(s, i));
    }
  }
  auto found = seen(device, device.layers, rows);
  for (const int row : rows) {
    expect_equal("plan: keys of a row", 1, expected[row] == found[row]);
  }
  vector<int> output_rows;
  for (const gavel::PlannedOutput& output : plan.outputs) {
    output_rows.push_back(output.row);
  }
  found = seen(device, device.outputs, output_rows);
  for (size_t i = 0; i < output_rows.size(); i++) {
    expect_equal("plan: keys of an output", 1, expected[output_rows[i]] == found[static_cast<int>(i)]);
  }
  for (const gavel_cuda_tile& tile : device.layers.prefill) {
    expect_equal("plan: rows of a tile", 1, tile.row_end - tile.row_begin <= limits.prefill_rows);
  }
}

}  // namespace

void sweep_plan() {
  const gavel::Config config = make_config();
  for (int count = 0; count < 5000; count++) {
    const int size = gavel::bucket(count);
    expect_equal("bucket: of a bucket", size, gavel::bucket(size));
    expect_equal("bucket: no less, and no more than the next one's", 1,
                 size >= count && size <= gavel::bucket(count + 1));
    expect_equal("bucket: at most a quarter more where rows cost", 1, count <= 256 || size <= 1.25 * count);
  }
  for (int run = 0; run < 200; run++) {
    test_plan(config, random_int(1, 20), {random_int(1, 16), random_int(0, 64), random_int(1, 6)});
  }
}

}  // namespace sweep
