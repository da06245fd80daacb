// attention_prefill, attention_decode and attention_merge against the engine's reference attention.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "kernels/kernels.h"
#include "sweep.h"

namespace sweep {

namespace {

struct Shape {
  int type;
  int kv_heads;
  int group;
  int dim;
  int tile_rows;
};

// Siblings that see the same list of slots, each its own rows besides.
struct Family {
  int list_begin;
  int list_count;
  vector<int> lengths;
};

// A batch in one layer: queries, keys and values, and what every row sees.
struct Batch {
  Shape shape;
  int rows = 0;
  int slots = 0;
  vector<Family> families;
  vector<int32_t> slot_list;
  vector<int32_t> row_slots;
  vector<int32_t> row_first;
  vector<vector<int32_t>> visible;  // [rows] slots in the order of their positions
  vector<float> queries, keys, values;

  int heads() const { return shape.kv_heads * shape.group; }
};

Batch make_batch(const Shape& shape, const vector<std::pair<int, vector<int>>>& families, float magnitude) {
  Batch batch;
  batch.shape = shape;
  int lists = 0;
  for (const auto& [list, lengths] : families) {
    batch.families.push_back({lists, list, lengths});
    lists += list;
    batch.rows += std::accumulate(lengths.begin(), lengths.end(), 0);
  }
  batch.slots = batch.rows + lists + 7;
  vector<int32_t> order(batch.slots);
  std::iota(order.begin(), order.end(), 0);
  for (int i = 0; i < batch.slots; i++) {
    std::swap(order[i], order[random_int(i, batch.slots - 1)]);
  }
  batch.row_slots.assign(order.begin(), order.begin() + batch.rows);
  for (int i = 0; i < lists; i++) {  // slots may be listed twice, as by two families with one ancestor
    batch.slot_list.push_back(random_int(0, 3) == 0 ? order[random_int(0, batch.slots - 1)] : order[batch.rows + i]);
  }
  for (const Family& family : batch.families) {
    for (const int length : family.lengths) {
      const int first = static_cast<int>(batch.row_first.size());
      for (int i = 0; i < length; i++) {
        batch.row_first.push_back(first);
        vector<int32_t> sees(batch.slot_list.begin() + family.list_begin,
                             batch.slot_list.begin() + family.list_begin + family.list_count);
        sees.insert(sees.end(), batch.row_slots.begin() + first, batch.row_slots.begin() + first + i + 1);
        batch.visible.push_back(std::move(sees));
      }
    }
  }
  const size_t kv = static_cast<size_t>(batch.slots) * shape.kv_heads * shape.dim;
  batch.queries = rounded(shape.type, randoms(static_cast<size_t>(batch.rows) * batch.heads() * shape.dim, magnitude));
  batch.keys = rounded(shape.type, randoms(kv, magnitude));
  batch.values = rounded(shape.type, randoms(kv));
  return batch;
}

// The plan of a launch: tiles, and the rows that are merged from parts.
struct Plan {
  vector<gavel_cuda_tile> tiles;
  int partial_rows = 0;
  vector<int32_t> merged_rows;
  vector<int32_t> part_offsets{0};
  vector<int32_t> parts;

  // The rows begin to end, their keys in the pieces given, each {list_begin, list_count, own_begin, own_end}.
  void add(int begin, int end, const vector<std::array<int, 4>>& pieces) {
    const bool split = pieces.size() > 1;
    for (const auto& [list_begin, list_count, own_begin, own_end] : pieces) {
      tiles.push_back({begin, end, list_begin, list_count, own_begin, own_end, split ? partial_rows : -1});
      partial_rows += split ? end - begin : 0;
    }
    for (int row = begin; row < end && split; row++) {
      merged_rows.push_back(row);
      for (size_t p = 0; p < pieces.size(); p++) {
        parts.push_back(partial_rows - static_cast<int>(pieces.size() - p) * (end - begin) + row - begin);
      }
      part_offsets.push_back(static_cast<int32_t>(parts.size()));
    }
  }
};

// Tiles over siblings; where `split`, the shared keys apart from the own ones.
Plan plan_prefill(const Batch& batch, bool split) {
  Plan plan;
  int row = 0;
  for (const Family& family : batch.families) {
    const int end = row + std::accumulate(family.lengths.begin(), family.lengths.end(), 0);
    for (; row < end;) {
      const int stop = std::min(end, row + random_int(1, batch.shape.tile_rows));
      const int own = batch.row_first[row];
      if (split && family.list_count > 1) {
        const int cut = random_int(1, family.list_count - 1);
        plan.add(row, stop,
                 {{family.list_begin, cut, 0, 0},
                  {family.list_begin + cut, family.list_count - cut, 0, 0},
                  {family.list_begin, 0, own, stop}});
      } else {
        plan.add(row, stop, {{family.list_begin, family.list_count, own, stop}});
      }
      row = stop;
    }
  }
  return plan;
}

// One row a tile, its keys in up to three pieces.
Plan plan_decode(const Batch& batch, bool split) {
  Plan plan;
  int row = 0;
  for (const Family& family : batch.families) {
    for (const int length : family.lengths) {
      for (int i = 0; i < length; i++, row++) {
        const int first = batch.row_first[row];
        if (split && family.list_count > 1) {
          const int cut = random_int(1, family.list_count - 1);
          plan.add(
              row, row + 1,
              {{family.list_begin, cut, 0, 0}, {family.list_begin + cut, family.list_count - cut, first, row + 1}});
        } else {
          plan.add(row, row + 1, {{family.list_begin, family.list_count, first, row + 1}});
        }
      }
    }
  }
  return plan;
}

vector<float> attend(const Batch& batch, Plan plan, bool decode_kernel) {
  const Shape& s = batch.shape;
  const size_t size = static_cast<size_t>(batch.rows) * batch.heads() * s.dim;
  // What fills up a launch of fixed size does nothing.
  const gavel_cuda_tile empty = {plan.tiles[0].row_begin, plan.tiles[0].row_begin, 0, 0, 0, 0, -1};
  plan.tiles.insert(plan.tiles.begin() + random_int(0, static_cast<int>(plan.tiles.size())), empty);
  if (!plan.merged_rows.empty()) {
    plan.merged_rows.push_back(-1);
    plan.part_offsets.push_back(plan.part_offsets.back());
  }
  const Array<uint16_t> queries(encode(s.type, batch.queries)), keys(encode(s.type, batch.keys)),
      values(encode(s.type, batch.values)), out(size);
  const Array<gavel_cuda_tile> tiles(plan.tiles);
  const Array<int32_t> slot_list(batch.slot_list), row_slots(batch.row_slots), row_first(batch.row_first),
      merged(plan.merged_rows), part_offsets(plan.part_offsets), parts(plan.parts);
  const Array<float> partial(static_cast<size_t>(plan.partial_rows) * batch.heads() * s.dim),
      partial_sums(static_cast<size_t>(plan.partial_rows) * batch.heads());
  gavel_cuda_attention args{};
  args.type = s.type;
  args.heads = batch.heads();
  args.kv_heads = s.kv_heads;
  args.head_dim = s.dim;
  args.scale = 1 / std::sqrt(static_cast<float>(s.dim));
  args.queries = queries.data();
  args.keys = keys.data();
  args.values = values.data();
  args.tiles = static_cast<int32_t>(plan.tiles.size());
  args.tile_rows = decode_kernel ? 1 : s.tile_rows;
  args.tile = tiles.data();
  args.slot_list = slot_list.data();
  args.row_slots = row_slots.data();
  args.row_first = row_first.data();
  args.out = out.data();
  args.partial_out = partial.data();
  args.partial_log_sums = partial_sums.data();
  require((decode_kernel ? table().attention_decode : table().attention_prefill)(&args, stream()), "attention");
  gavel_cuda_merge merge{};
  merge.type = s.type;
  merge.rows = static_cast<int32_t>(plan.merged_rows.size());
  merge.heads = batch.heads();
  merge.head_dim = s.dim;
  merge.row = merged.data();
  merge.part_offsets = part_offsets.data();
  merge.parts = parts.data();
  merge.partial_out = partial.data();
  merge.partial_log_sums = partial_sums.data();
  merge.out = out.data();
  if (merge.rows > 0) {
    require(table().attention_merge(&merge, stream()), "attention_merge");
  }
  return decode(s.type, out.read());
}

// By the reference: each key is a span of one.
vector<float> expected_row(const Batch& batch, int row, int head) {
  const Shape& s = batch.shape;
  vector<gavel::KeySpan<float>> spans;
  for (const int32_t slot : batch.visible[row]) {
    const size_t at = (static_cast<size_t>(slot) * s.kv_heads + head / s.group) * s.dim;
    spans.push_back({batch.keys.data() + at, batch.values.data() + at, 1, 1});
  }
  vector<float> out(s.dim);
  const float* query = batch.queries.data() + (static_cast<size_t>(row) * batch.heads() + head) * s.dim;
  float* target = out.data();
  const int visible = static_cast<int>(spans.size());
  gavel::reference_kernels().attention(
      {&query, &target, &visible, 1, spans.data(), s.dim, 1 / std::sqrt(static_cast<float>(s.dim)), nullptr, 0});
  return out;
}

void check(const std::string& kernel, const Batch& batch, const vector<float>& found, float magnitude, bool rounds) {
  const Shape& s = batch.shape;
  const std::string what = kernel + " " + name(s.type) + " dim " + std::to_string(s.dim) + " group " +
                           std::to_string(s.group) + " rows " + std::to_string(batch.rows);
  for (int row = 0; row < batch.rows; row++) {
    const double keys = static_cast<double>(batch.visible[row].size());
    // A score is off by (dim + 4) u |q||k| scale, a weight by twice that and 8 u of its exponential, the sums by
    // n u. The matrix units take weights rounded to the type; values are at most 1 in size.
    const double score_error =
        (s.dim + 4) * kUnit * s.dim * magnitude * magnitude / std::sqrt(static_cast<double>(s.dim));
    const double error = 2 * score_error + (16 + 4 * keys) * kUnit + (rounds ? 2 * rounding(s.type, 1) : 0);
    for (int head = 0; head < batch.heads(); head++) {
      const vector<float> expected = expected_row(batch, row, head);
      for (int d = 0; d < s.dim; d++) {
        expect_near(what, expected[d], found[(static_cast<size_t>(row) * batch.heads() + head) * s.dim + d],
                    error + rounding(s.type, expected[d]));
      }
    }
  }
}

vector<int> random_lengths(int count, int most) {
  vector<int> lengths;
  for (int i = 0; i < count; i++) {
    lengths.push_back(random_int(1, most));
  }
  return lengths;
}

}  // namespace

void sweep_attention() {
  for (const int dim : {8, 40, 64, 80, 128}) {
    for (const int group : {1, 3, 8}) {
      const int type = coin() ? GAVEL_CUDA_BF16 : GAVEL_CUDA_FP16;
      const int kv_heads = dim == 64 ? 2 : 1;
      const int most = (dim == 128 || coin() ? 128 : 64) / group;
      const Shape shape = {type, kv_heads, group, dim, random_int(1, most)};
      const float magnitude = group == 3 ? 4.0f : 1.0f;
      const Batch batch = make_batch(
          shape, {{random_int(1, 150), random_lengths(3, 30)}, {0, random_lengths(2, 40)}, {64, {1, 1, 1}}}, magnitude);
      check("prefill", batch, attend(batch, plan_prefill(batch, false), false), magnitude, true);
      check("prefill split", batch, attend(batch, plan_prefill(batch, true), false), magnitude, true);
    }
  }
  // One full tile, and keys in many blocks.
  const Batch large = make_batch({GAVEL_CUDA_BF16, 1, 2, 64, 64}, {{207, {130}}}, 1);
  check("prefill", large, attend(large, plan_prefill(large, false), false), 1, true);
  gavel_cuda_attention bad{};
  bad.heads = 6;
  bad.kv_heads = 2;
  bad.head_dim = 60;
  expect_refused(table().attention_prefill(&bad, stream()), "head_dim: expected a multiple of 8");
  bad.head_dim = 64;
  bad.tile_rows = 43;
  expect_refused(table().attention_prefill(&bad, stream()), "tile_rows: expected 1 to 42");
  bad.kv_heads = 4;
  expect_refused(table().attention_decode(&bad, stream()), "tile_rows: expected 1 for decoding");
}

void sweep_decode() {
  for (const int dim : {8, 40, 64, 96, 128}) {
    for (const int group : {1, 2, 3, 7, 12}) {
      const int type = coin() ? GAVEL_CUDA_BF16 : GAVEL_CUDA_FP16;
      const Shape shape = {type, random_int(1, 2), group, dim, 1};
      const float magnitude = group == 3 ? 4.0f : 1.0f;
      const Batch batch =
          make_batch(shape, {{random_int(1, 300), {1, 1}}, {0, random_lengths(2, 5)}, {63, {1, 3}}}, magnitude);
      check("decode", batch, attend(batch, plan_decode(batch, false), true), magnitude, false);
      check("decode split", batch, attend(batch, plan_decode(batch, true), true), magnitude, false);
    }
  }
}

}  // namespace sweep
