#include "cuda/weights.h"

#include <algorithm>
#include <cmath>

#include "support/error.h"

namespace gavel {

namespace {

constexpr int64_t kPiece = int64_t{1} << 20;  // elements on their way at a time
constexpr int64_t kAligned = 256;             // bytes, as cuBLAS likes it

// The type of the device that holds a checkpoint's element as it is; -1 for fp32.
int32_t same_type(int32_t dtype) {
  return dtype == GAVEL_BF16 ? GAVEL_CUDA_BF16 : dtype == GAVEL_F16 ? GAVEL_CUDA_FP16 : -1;
}

}  // namespace

DeviceWeights::DeviceWeights(const Config& config, const Device& device)
    : config_(config),
      part_(config.part()),
      rows_{0, config.rank, std::max(config.ranks, 1)},
      columns_{1, config.rank, std::max(config.ranks, 1)},
      device_(device),
      precision_(config.quantization),
      layers_(config.layers),
      memory_(device),
      rounded_(device, DeviceMemory::Kind::kPinned),
      unquantized_(device) {
  embedding_ = declare("model.embed_tokens.weight", {config.vocabulary, config.hidden});
  const int64_t head =
      config.tied_embeddings ? embedding_ : declare("lm_head.weight", {config.vocabulary, config.hidden});
  head_ = {config.vocabulary, config.hidden, head, -1};
  final_norm_ = declare("model.norm.weight", {config.hidden});
  for (int l = 0; l < config.layers; l++) {
    declare_layer(l);
  }
  memory_.reserve(bytes_);
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
  layer.qkv = place_matrix(own_queries + 2 * own_keys, hidden, precision_.fp8);
  declare_rows(attention + "q_proj.weight", {queries, hidden}, layer.qkv, 0, rows_);
  declare_rows(attention + "k_proj.weight", {keys, hidden}, layer.qkv, own_queries, rows_);
  declare_rows(attention + "v_proj.weight", {keys, hidden}, layer.qkv, own_queries + own_keys, rows_);
  if (config_.qkv_bias) {
    layer.qkv_bias = place((own_queries + 2 * own_keys) * kHalfBytes);
    declare_at(attention + "q_proj.bias", {queries}, layer.qkv_bias, rows_);
    declare_at(attention + "k_proj.bias", {keys}, layer.qkv_bias + own_queries * kHalfBytes, rows_);
    declare_at(attention + "v_proj.bias", {keys}, layer.qkv_bias + (own_queries + own_keys) * kHalfBytes, rows_);
  }
  if (config_.qk_norm) {
    layer.query_norm = declare(attention + "q_norm.weight", {config_.head_dim});
    layer.key_norm = declare(attention + "k_norm.weight", {config_.head_dim});
  }
  layer.output = place_matrix(hidden, own_queries, precision_.fp8);
  declare_rows(attention + "o_proj.weight", {hidden, queries}, layer.output, 0, columns_);
  declare_feed_forward(index);
}

void DeviceWeights::declare_feed_forward(int index) {
  DeviceLayer& layer = layers_[index];
  const std::string prefix = "model.layers." + std::to_string(index) + ".mlp.";
  const bool sparse = config_.sparse(index);
  const int experts = sparse ? config_.experts : 1;
  const int width = sparse ? config_.expert_intermediate : config_.intermediate;
  const int own_width = width / rows_.count;
  layer.gate_up = place_matrix(2 * own_width, config_.hidden, precision_.fp8, experts);
  layer.down = place_matrix(config_.hidden, own_width, precision_.fp8 && index + 1 < config_.layers, experts);
  if (sparse) {
    layer.router = place_matrix(config_.experts, config_.hidden, false);
    declare_rows(prefix + "gate.weight", {config_.experts, config_.hidden}, layer.router, 0, {});
  }
  for (int e = 0; e < experts; e++) {
    declare_expert(sparse ? prefix + "experts." + std::to_string(e) + "." : prefix, layer, e, width);
  }
}

void DeviceWeights::declare_expert(const std::string& prefix, const DeviceLayer& layer, int index, int width) {
  const int64_t hidden = config_.hidden;
  const int64_t own_width = width / rows_.count;
  const int64_t first = 2 * index * own_width;
  declare_rows(prefix + "gate_proj.weight", {width, hidden}, layer.gate_up, first, rows_);
  declare_rows(prefix + "up_proj.weight", {width, hidden}, layer.gate_up, first + own_width, rows_);
  declare_rows(prefix + "down_proj.weight", {hidden, width}, layer.down, index * hidden, columns_);
}

int64_t DeviceWeights::declare(const std::string& name, std::vector<int64_t> shape) {
  const int64_t offset = place(elements_of(shape) * kHalfBytes);
  declare_at(name, std::move(shape), offset, {});
  return offset;
}

void DeviceWeights::declare_at(const std::string& name, std::vector<int64_t> shape, int64_t offset, Share share) {
  const int64_t elements = elements_of(shape) / share.count;
  tensors_.declare(
      name, std::move(shape),
      [this, name, elements, offset](const TensorView& source) { upload(name.c_str(), source, elements, offset); },
      share);
}

void DeviceWeights::declare_rows(const std::string& name, std::vector<int64_t> shape, const DeviceMatrix& matrix,
                                 int64_t first, Share share) {
  if (matrix.scales < 0) {
    declare_at(name, std::move(shape), matrix.weight + first * matrix.k * kHalfBytes, share);
    return;
  }
  const int64_t rows = elements_of(shape) / share.count / matrix.k;
  tensors_.declare(
      name, std::move(shape),
      [this, matrix, first, rows](const TensorView& source) { quantize(source, matrix, first, rows); }, share);
}

int64_t DeviceWeights::place(int64_t bytes) {
  const int64_t offset = bytes_;
  bytes_ += (bytes + kAligned - 1) / kAligned * kAligned;
  return offset;
}

DeviceMatrix DeviceWeights::place_matrix(int64_t columns, int64_t k, bool quantized, int64_t experts) {
  DeviceMatrix matrix = {static_cast<int32_t>(columns), static_cast<int32_t>(k), -1, -1};
  matrix.weight = place(experts * columns * k * (quantized ? 1 : kHalfBytes));
  if (quantized) {
    matrix.scales = place(experts * columns * sizeof(float));
  }
  return matrix;
}

void DeviceWeights::set(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                        int64_t bytes) {
  tensors_.set(name, dtype, rank, shape, data, bytes);
}

// The source is borrowed for the call, so the copies are waited for.
void DeviceWeights::upload(const char* name, const TensorView& source, int64_t elements, int64_t offset) {
  char* to = memory_.data<char>() + offset;
  const int64_t piece = source.dtype == GAVEL_F32 || same_type(source.dtype) != precision_.type ? kPiece : elements;
  for (int64_t begin = 0; begin < elements; begin += piece) {
    const int64_t count = std::min(piece, elements - begin);
    device_.copy(to + begin * kHalfBytes, rounded(name, source, precision_.type, begin, count), count * kHalfBytes);
    device_.synchronize();
  }
}

// What is not of 16 bits is rounded to bf16 first, whose step is a sixteenth of e4m3's.
void DeviceWeights::quantize(const TensorView& source, const DeviceMatrix& matrix, int64_t first, int64_t rows) {
  const int32_t type = source.dtype == GAVEL_F16 ? GAVEL_CUDA_FP16 : GAVEL_CUDA_BF16;
  const int64_t piece = std::max<int64_t>(1, kPiece / matrix.k);
  unquantized_.reserve(std::max(piece * matrix.k, kPiece) * kHalfBytes);
  for (int64_t begin = 0; begin < rows; begin += piece) {
    const int64_t count = std::min(piece, rows - begin);
    const void* from = rounded("", source, type, begin * matrix.k, count * matrix.k);
    device_.copy(unquantized_.data(), from, count * matrix.k * kHalfBytes);
    gavel_cuda_quantize args{};
    args.type = type;
    args.out_type = GAVEL_CUDA_FP8;
    args.rows = static_cast<int32_t>(count);
    args.width = matrix.k;
    args.in = unquantized_.data();
    args.out = memory_.data<char>() + matrix.weight + (first + begin) * matrix.k;
    args.scales = reinterpret_cast<float*>(memory_.data<char>() + matrix.scales) + first + begin;
    device_.launch(&gavel_cuda_table::quantize, args);
    device_.synchronize();
  }
}

// Elements of the source in a 16-bit type, until the next call.
const void* DeviceWeights::rounded(const char* name, const TensorView& source, int32_t type, int64_t begin,
                                   int64_t count) {
  if (same_type(source.dtype) == type) {
    return static_cast<const char*>(source.data) + begin * kHalfBytes;
  }
  rounded_.reserve(std::max(count, kPiece) * kHalfBytes);
  auto* to = rounded_.data<uint16_t>();
  for (int64_t i = 0; i < count; i++) {
    const float value = source.at(begin + i);
    to[i] = type == GAVEL_CUDA_FP16 ? to_fp16(value) : to_bf16(value);
    if (type == GAVEL_CUDA_FP16 && (to[i] & 0x7FFFu) == 0x7C00u && std::isfinite(value)) {
      fail(GAVEL_INVALID_ARGUMENT, "%s: expected values that fp16 holds, up to 65504, found %g; bf16 holds it", name,
           static_cast<double>(value));
    }
  }
  return to;
}

}  // namespace gavel
