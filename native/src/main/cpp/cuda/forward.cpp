#include "cuda/forward.h"

#include <algorithm>
#include <cmath>

#include "support/error.h"

namespace gavel {

namespace {

constexpr size_t kElement = kHalfBytes;
constexpr int kPositionsLeast = 1024;

}  // namespace

DeviceForward::DeviceForward(const Config& config, const Device& device, const DeviceWeights& weights,
                             Products& products, Collective* collective)
    : config_(config),
      device_(device),
      weights_(weights),
      products_(products),
      collective_(collective),
      type_(weights.precision().type),
      slots_(DevicePlan::all_slots(config)),
      rope_(config),
      cosines_(device),
      sines_(device),
      keys_(device),
      values_(device),
      stream_(device),
      output_stream_(device),
      normed_(device),
      delta_(device),
      qkv_(device),
      queries_(device),
      attended_(device),
      gate_up_(device),
      activated_(device),
      quantized_(device),
      scales_(device),
      router_logits_(device),
      pair_weights_(device),
      chosen_(device),
      order_(device),
      begins_(device),
      routed_(device),
      partial_out_(device),
      partial_log_sums_(device) {
  const size_t rows = config.batch_tokens_max;
  const size_t hidden = rows * config.hidden * kElement;
  const size_t pairs = config.experts > 0 ? rows * config.experts_per_token : 0;
  keys_.reserve(slots_ * bytes_per_token() / 2);
  values_.reserve(slots_ * bytes_per_token() / 2);
  for (DeviceMemory* buffer : {&stream_, &output_stream_, &normed_, &delta_}) {
    buffer->reserve(hidden);
  }
  qkv_.reserve(rows * (config.query_width() + 2 * config.kv_width()) * kElement);
  queries_.reserve(rows * config.query_width() * kElement);
  attended_.reserve(rows * config.query_width() * kElement);
  gate_up_.reserve(rows * 2 * config.intermediate * kElement);
  activated_.reserve(std::max(rows * config.intermediate, pairs * config.expert_intermediate) * kElement);
  if (weights.precision().fp8) {
    const size_t routed = pairs > 0 ? std::max(rows * config.hidden, pairs * config.expert_intermediate) : 0;
    quantized_.reserve(std::max(rows * config.query_width(), routed));
    scales_.reserve(std::max(rows, pairs) * sizeof(float));
  }
  if (pairs > 0) {
    router_logits_.reserve(rows * config.experts * sizeof(float));
    pair_weights_.reserve(pairs * sizeof(float));
    chosen_.reserve(pairs * sizeof(int32_t));
    order_.reserve(pairs * sizeof(int32_t));
    begins_.reserve((config.experts + 1) * sizeof(int32_t));
    routed_.reserve(pairs * config.hidden * kElement);
  }
}

void DeviceForward::reserve(const DeviceBatch& batch, int positions) {
  reserve_positions(positions);
  // Rows are split only where there are fewer than the device has use for, and into no more parts than that asks for.
  const size_t parts = 2 * static_cast<size_t>(batch.limits().decode_tiles);
  partial_out_.reserve(parts * config_.query_width() * sizeof(float));
  partial_log_sums_.reserve(parts * config_.heads * sizeof(float));
}

void DeviceForward::run(const DeviceBatch& batch, const volatile int32_t* cancel) {
  const Rows all = {batch.shape().rows,    stream_.data(),   batch.at(batch.positions),
                    batch.at(batch.slots), &batch.attention, batch.at(batch.live_rows)};
  const Rows outputs = {batch.shape().outputs.total(), output_stream_.data(),   batch.at(batch.output_positions),
                        batch.at(batch.output_slots),  &batch.output_attention, nullptr};
  const int last = config_.layers - 1;
  for (int l = 0; l <= last; l++) {
    if (cancel != nullptr && *cancel != 0) {
      fail(GAVEL_CANCELLED, "batch: cancelled before layer %d", l);
    }
    const DeviceLayer& layer = weights_.layer(l);
    if (l == 0) {
      norm(all.count, batch.at(batch.tokens), weights_.at(weights_.embedding()), nullptr, all.stream,
           layer.attention_norm, layer.qkv);
    } else {
      norm(all.count, nullptr, all.stream, delta_.data(), all.stream, layer.attention_norm, layer.qkv);
    }
    project(layer, l, all);
    if (l < last) {
      attend(batch, l, all);
      feed_forward(layer, l, all);
    }
  }
  if (outputs.count == 0) {
    return;
  }
  // Beyond their keys and values, the last layer needs the rows of outputs only.
  const DeviceLayer& layer = weights_.layer(last);
  norm(outputs.count, batch.at(batch.output_rows), all.stream, nullptr, outputs.stream, layer.attention_norm,
       layer.qkv);
  project(layer, last, outputs);
  attend(batch, last, outputs);
  feed_forward(layer, last, outputs);
  norm(outputs.count, nullptr, outputs.stream, delta_.data(), outputs.stream, weights_.final_norm(), weights_.head());
}

// Angles of so many positions, in steps, so that a decoding stream does not ask for more at every token.
void DeviceForward::reserve_positions(int count) {
  if (count <= positions_) {
    return;
  }
  positions_ = std::min(config_.max_positions, std::max({count, 2 * positions_, kPositionsLeast}));
  rope_.reserve(positions_);
  const size_t bytes = static_cast<size_t>(positions_) * (config_.head_dim / 2) * sizeof(float);
  cosines_.reserve(bytes);
  sines_.reserve(bytes);
  device_.copy(cosines_.data(), rope_.cosines(0), bytes);
  device_.copy(sines_.data(), rope_.sines(0), bytes);
  device_.synchronize();
}

// stream_out = (stream + delta) of the gathered rows; normed_ = its norm times the weight.
void DeviceForward::norm(int32_t rows, const int32_t* gather, const void* stream, const void* delta, void* stream_out,
                         int64_t weight, const DeviceMatrix& reader, bool routed) {
  gavel_cuda_rms_norm args{};
  args.type = type_;
  args.out_type = input_type(reader);
  args.rows = rows;
  args.width = config_.hidden;
  args.gather = gather;
  args.residual = stream;
  args.delta = delta;
  args.residual_out = stream_out;
  args.weight = weights_.at(weight);
  args.epsilon = static_cast<float>(config_.rms_epsilon);
  args.out = normed_.data();
  args.scales = scales_.data<float>();
  if (routed && args.out_type == GAVEL_CUDA_FP8) {
    args.out = quantized_.data();
    args.out_plain = normed_.data();
  }
  device_.launch(&gavel_cuda_table::rms_norm, args);
}

// Queries, keys and values of normed rows; keys and values go to their slots.
void DeviceForward::project(const DeviceLayer& layer, int index, const Rows& rows) {
  multiply(rows.count, normed_, layer.qkv, qkv_);
  gavel_cuda_rope args{};
  args.type = type_;
  args.rows = rows.count;
  args.heads = config_.heads;
  args.kv_heads = config_.kv_heads;
  args.head_dim = config_.head_dim;
  args.qkv = qkv_.data();
  args.bias = weights_.at(layer.qkv_bias);
  args.query_norm = weights_.at(layer.query_norm);
  args.key_norm = weights_.at(layer.key_norm);
  args.epsilon = static_cast<float>(config_.rms_epsilon);
  args.positions = rows.positions;
  args.cosines = cosines_.data<float>();
  args.sines = sines_.data<float>();
  args.slots = rows.slots;
  args.queries = queries_.data();
  args.keys = layer_of(keys_, index);
  args.values = layer_of(values_, index);
  device_.launch(&gavel_cuda_table::rope, args);
}

void DeviceForward::attend(const DeviceBatch& batch, int index, const Rows& rows) {
  const StagedAttention& plan = *rows.attention;
  gavel_cuda_attention args{};
  args.type = type_;
  args.heads = config_.heads;
  args.kv_heads = config_.kv_heads;
  args.head_dim = config_.head_dim;
  args.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(config_.head_dim)));
  args.queries = queries_.data();
  args.keys = layer_of(keys_, index);
  args.values = layer_of(values_, index);
  args.slot_list = batch.at(batch.slot_list);
  args.row_slots = batch.at(batch.slots);
  args.row_first = batch.at(batch.row_first);
  args.out = attended_.data();
  args.partial_out = partial_out_.data<float>();
  args.partial_log_sums = partial_log_sums_.data<float>();
  if (plan.prefill.count > 0) {
    args.tiles = plan.prefill.count;
    args.tile_rows = batch.limits().prefill_rows;
    args.tile = batch.at(plan.prefill);
    device_.launch(&gavel_cuda_table::attention_prefill, args);
  }
  if (plan.decode.count > 0) {
    args.tiles = plan.decode.count;
    args.tile_rows = 1;
    args.tile = batch.at(plan.decode);
    device_.launch(&gavel_cuda_table::attention_decode, args);
  }
  if (plan.merged_rows.count > 0) {
    const gavel_cuda_merge merge = {type_,
                                    plan.merged_rows.count,
                                    config_.heads,
                                    config_.head_dim,
                                    batch.at(plan.merged_rows),
                                    batch.at(plan.part_offsets),
                                    batch.at(plan.parts),
                                    args.partial_out,
                                    args.partial_log_sums,
                                    args.out};
    device_.launch(&gavel_cuda_table::attention_merge, merge);
  }
}

// From attention's result to the feed-forward's, which is left in delta_.
void DeviceForward::feed_forward(const DeviceLayer& layer, int index, const Rows& rows) {
  multiply(rows.count, input_of(layer.output, rows.count, attended_), layer.output, delta_);
  sum_delta(rows.count);
  const bool sparse = config_.sparse(index);
  norm(rows.count, nullptr, rows.stream, delta_.data(), rows.stream, layer.feed_forward_norm, layer.gate_up, sparse);
  if (sparse) {
    sparse_feed_forward(layer, rows);
  } else {
    dense_feed_forward(layer, rows.count);
  }
  sum_delta(rows.count);
}

void DeviceForward::dense_feed_forward(const DeviceLayer& layer, int32_t rows) {
  multiply(rows, normed_, layer.gate_up, gate_up_);
  gavel_cuda_swiglu args{};
  args.type = type_;
  args.out_type = input_type(layer.down);
  args.rows = rows;
  args.width = config_.intermediate;
  args.gate_up = gate_up_.data();
  args.out = activated_.data();
  args.scales = scales_.data<float>();
  device_.launch(&gavel_cuda_table::swiglu, args);
  multiply(rows, activated_, layer.down, delta_);
}

void DeviceForward::sparse_feed_forward(const DeviceLayer& layer, const Rows& rows) {
  const int picks = config_.experts_per_token;
  multiply(rows.count, normed_, layer.router, router_logits_, true);
  const gavel_cuda_routing routing = {rows.count,
                                      config_.experts,
                                      picks,
                                      config_.normalize_experts,
                                      rows.live_rows,
                                      router_logits_.data<float>(),
                                      pair_weights_.data<float>(),
                                      chosen_.data<int32_t>(),
                                      begins_.data<int32_t>(),
                                      order_.data<int32_t>()};
  device_.launch(&gavel_cuda_table::routing, routing);
  gavel_cuda_grouped_gemm product{};
  product.type = type_;
  product.swiglu = 1;
  product.experts = config_.experts;
  product.pairs = rows.count * picks;
  product.picks = picks;
  product.k = config_.hidden;
  product.columns = config_.expert_intermediate;
  product.begins = routing.begins;
  product.order = routing.order;
  product.out = activated_.data();
  multiply_experts(product, input_type(layer.gate_up) == GAVEL_CUDA_FP8 ? quantized_ : normed_, layer.gate_up);
  product.swiglu = 0;
  product.k = config_.expert_intermediate;
  product.columns = config_.hidden;
  product.out = routed_.data();
  multiply_experts(product, input_of(layer.down, product.pairs, activated_), layer.down);
  const gavel_cuda_combine combine = {type_,          rows.count,      picks,        config_.hidden,
                                      routed_.data(), routing.weights, delta_.data()};
  device_.launch(&gavel_cuda_table::combine, combine);
}

// In the stream's own type: fp32 would double the bytes between devices, and what it saves, a rounding of each part and
// of each of their sums, is less than what rounding the stream costs at every layer.
void DeviceForward::sum_delta(int32_t rows) {
  if (collective_ != nullptr) {
    const int64_t elements = static_cast<int64_t>(rows) * config_.hidden;
    collective_->sum({delta_.data(), elements, weights_.precision().dtype()}, device_);
  }
}

int32_t DeviceForward::input_type(const DeviceMatrix& matrix) const {
  return matrix.scales < 0 ? type_ : GAVEL_CUDA_FP8;
}

// As a product with the matrix takes it; [rows, k] of 16 bits.
const DeviceMemory& DeviceForward::input_of(const DeviceMatrix& matrix, int32_t rows, const DeviceMemory& in) {
  if (input_type(matrix) != GAVEL_CUDA_FP8) {
    return in;
  }
  const gavel_cuda_quantize args = {
      type_, GAVEL_CUDA_FP8, rows, matrix.k, in.data(), quantized_.data(), scales_.data<float>()};
  device_.launch(&gavel_cuda_table::quantize, args);
  return quantized_;
}

void DeviceForward::multiply_experts(gavel_cuda_grouped_gemm& product, const DeviceMemory& in,
                                     const DeviceMatrix& matrix) {
  product.rows = in.data();
  product.row_scales = matrix.scales < 0 ? nullptr : scales_.data<float>();
  product.weight = weights_.at(matrix.weight);
  product.weight_scales = weights_.at<float>(matrix.scales);
  device_.launch(&gavel_cuda_table::grouped_gemm, product);
}

void DeviceForward::multiply(int32_t rows, const DeviceMemory& in, const DeviceMatrix& matrix, const DeviceMemory& out,
                             bool fp32_out) {
  products_.multiply({input_type(matrix), rows, matrix.columns, matrix.k, in.data(), weights_.at(matrix.weight),
                      out.data(), matrix.columns, fp32_out, scales_.data<float>(), weights_.at<float>(matrix.scales)},
                     device_.stream());
}

void* DeviceForward::layer_of(const DeviceMemory& pool, int index) const {
  return pool.data<char>() + index * slots_ * config_.kv_width() * kElement;
}

int64_t DeviceForward::pool_bytes() const { return bytes_per_token() * config_.blocks * config_.block_tokens; }

int64_t DeviceForward::bytes_per_token() const {
  return 2 * static_cast<int64_t>(kElement) * config_.layers * config_.kv_width();
}

int64_t DeviceForward::workspace_bytes() const {
  size_t bytes = keys_.bytes() + values_.bytes() - pool_bytes();
  for (const DeviceMemory* buffer :
       {&cosines_,      &sines_,    &stream_,  &output_stream_, &normed_,    &delta_,       &qkv_,
        &queries_,      &attended_, &gate_up_, &activated_,     &quantized_, &scales_,      &router_logits_,
        &pair_weights_, &chosen_,   &order_,   &begins_,        &routed_,    &partial_out_, &partial_log_sums_}) {
    bytes += buffer->bytes();
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace gavel
