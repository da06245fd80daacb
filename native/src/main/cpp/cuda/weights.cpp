#include "cuda/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gavel {

namespace {

constexpr int64_t kPiece = int64_t{1} << 20;  // elements rounded at a time
constexpr int64_t kAligned = 128;             // elements; cuBLAS likes 256 bytes

// To the nearest, ties to even.
uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) {
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  }
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace

DeviceWeights::DeviceWeights(const Config& config, const Device& device)
    : config_(config),
      part_(config.part()),
      rows_{0, config.rank, std::max(config.ranks, 1)},
      columns_{1, config.rank, std::max(config.ranks, 1)},
      device_(device),
      layers_(config.layers),
      memory_(device),
      rounded_(device, DeviceMemory::Kind::kPinned) {
  embedding_ = declare("model.embed_tokens.weight", {config.vocabulary, config.hidden});
  head_ = config.tied_embeddings ? embedding_ : declare("lm_head.weight", {config.vocabulary, config.hidden});
  final_norm_ = declare("model.norm.weight", {config.hidden});
  for (int l = 0; l < config.layers; l++) {
    declare_layer(l);
  }
  memory_.reserve(elements_ * sizeof(uint16_t));
}

void DeviceWeights::declare_layer(int index) {
  DeviceLayer& layer = layers_[index];
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  const std::string attention = prefix + "self_attn.";
  const int64_t hidden = config_.hidden;
  const int64_t queries = config_.query_width();
  const int64_t keys = config_.kv_width();
  const int64_t own_queries = part_.query_width();
  const int64_t own_keys = part_.kv_width();
  layer.attention_norm = declare(prefix + "input_layernorm.weight", {hidden});
  layer.feed_forward_norm = declare(prefix + "post_attention_layernorm.weight", {hidden});
  layer.qkv = place((own_queries + 2 * own_keys) * hidden);
  declare_at(attention + "q_proj.weight", {queries, hidden}, layer.qkv, rows_);
  declare_at(attention + "k_proj.weight", {keys, hidden}, layer.qkv + own_queries * hidden, rows_);
  declare_at(attention + "v_proj.weight", {keys, hidden}, layer.qkv + (own_queries + own_keys) * hidden, rows_);
  if (config_.qkv_bias) {
    layer.qkv_bias = place(own_queries + 2 * own_keys);
    declare_at(attention + "q_proj.bias", {queries}, layer.qkv_bias, rows_);
    declare_at(attention + "k_proj.bias", {keys}, layer.qkv_bias + own_queries, rows_);
    declare_at(attention + "v_proj.bias", {keys}, layer.qkv_bias + own_queries + own_keys, rows_);
  }
  if (config_.qk_norm) {
    layer.query_norm = declare(attention + "q_norm.weight", {config_.head_dim});
    layer.key_norm = declare(attention + "k_norm.weight", {config_.head_dim});
  }
  layer.output = declare(attention + "o_proj.weight", {hidden, queries}, columns_);
  declare_feed_forward(index);
}

void DeviceWeights::declare_feed_forward(int index) {
  DeviceLayer& layer = layers_[index];
  const std::string prefix = "model.layers." + std::to_string(index) + ".mlp.";
  const bool sparse = config_.sparse(index);
  const int64_t experts = sparse ? config_.experts : 1;
  const int width = sparse ? config_.expert_intermediate : config_.intermediate;
  const int64_t matrix = static_cast<int64_t>(width) / rows_.count * config_.hidden;
  layer.gate_up = place(experts * 2 * matrix);
  layer.down = place(experts * matrix);
  if (!sparse) {
    declare_expert(prefix, layer.gate_up, layer.down, width);
    return;
  }
  layer.router = declare(prefix + "gate.weight", {config_.experts, config_.hidden});
  for (int64_t e = 0; e < experts; e++) {
    declare_expert(prefix + "experts." + std::to_string(e) + ".", layer.gate_up + 2 * e * matrix,
                   layer.down + e * matrix, width);
  }
}

void DeviceWeights::declare_expert(const std::string& prefix, int64_t gate_up, int64_t down, int width) {
  const int64_t matrix = static_cast<int64_t>(width) / rows_.count * config_.hidden;
  declare_at(prefix + "gate_proj.weight", {width, config_.hidden}, gate_up, rows_);
  declare_at(prefix + "up_proj.weight", {width, config_.hidden}, gate_up + matrix, rows_);
  declare_at(prefix + "down_proj.weight", {config_.hidden, width}, down, columns_);
}

int64_t DeviceWeights::declare(const std::string& name, std::vector<int64_t> shape, Share share) {
  const int64_t offset = place(elements_of(shape) / share.count);
  declare_at(name, std::move(shape), offset, share);
  return offset;
}

void DeviceWeights::declare_at(const std::string& name, std::vector<int64_t> shape, int64_t offset, Share share) {
  const int64_t elements = elements_of(shape) / share.count;
  tensors_.declare(
      name, std::move(shape), [this, elements, offset](const TensorView& source) { upload(source, elements, offset); },
      share);
}

int64_t DeviceWeights::place(int64_t elements) {
  const int64_t offset = elements_;
  elements_ += (elements + kAligned - 1) / kAligned * kAligned;
  return offset;
}

void DeviceWeights::set(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                        int64_t bytes) {
  tensors_.set(name, dtype, rank, shape, data, bytes);
}

// The source is borrowed for the call, so the copies are waited for.
void DeviceWeights::upload(const TensorView& source, int64_t elements, int64_t offset) {
  uint16_t* to = memory_.data<uint16_t>() + offset;
  if (source.dtype == GAVEL_BF16) {
    device_.copy(to, source.data, elements * sizeof(uint16_t));
    device_.synchronize();
    return;
  }
  rounded_.reserve(kPiece * sizeof(uint16_t));
  for (int64_t begin = 0; begin < elements; begin += kPiece) {
    const int64_t count = std::min(kPiece, elements - begin);
    for (int64_t i = 0; i < count; i++) {
      rounded_.data<uint16_t>()[i] = to_bf16(source.at(begin + i));
    }
    device_.copy(to + begin, rounded_.data(), count * sizeof(uint16_t));
    device_.synchronize();
  }
}

}  // namespace gavel
