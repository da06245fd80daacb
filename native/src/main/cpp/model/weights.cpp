#include "model/weights.h"

#include <algorithm>
#include <cstring>

#include "model/quantizer.h"
#include "support/error.h"

namespace gavel {

Weights::Weights(const Config& config, const Kernels& kernels, ThreadPool& pool)
    : config_(config), kernels_(kernels), pool_(pool), layers_(config.layers) {
  const int64_t vocabulary = config.vocabulary;
  const int64_t hidden = config.hidden;
  if (config.quantization == GAVEL_QUANTIZATION_INT8) {
    quantizer_ = std::make_unique<Quantizer>(config, kernels, pool, arena_);
  }
  shape_linear(head_, config.vocabulary, config.hidden, false);
  tensors_.declare("model.embed_tokens.weight", {vocabulary, hidden}, [this](const TensorView& source) {
    embedding_dtype_ = source.dtype;
    embedding_.reserve(static_cast<size_t>(config_.vocabulary) * config_.hidden * dtype_bytes(source.dtype));
    std::memcpy(embedding_.data(), source.data, embedding_.size());
    if (config_.tied_embeddings && quantizer_ == nullptr) {
      pack_f32(kernels_, pool_, arena_, source, head_, config_.vocabulary, 0, Half::kWhole);
    }
  });
  if (!config.tied_embeddings) {
    declare_linear("lm_head.weight", head_, config.vocabulary, 0, Half::kWhole);
  }
  declare_vector("model.norm.weight", final_norm_, config.hidden, 0, config.hidden);
  for (int l = 0; l < config.layers; l++) {
    declare_layer(l);
  }
}

Weights::~Weights() = default;

void Weights::declare_layer(int index) {
  Layer& layer = layers_[index];
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  const std::string attention = prefix + "self_attn.";
  const int hidden = config_.hidden;
  const int queries = config_.query_width();
  const int keys = config_.kv_width();
  declare_vector(prefix + "input_layernorm.weight", layer.attention_norm, hidden, 0, hidden);
  declare_vector(prefix + "post_attention_layernorm.weight", layer.feed_forward_norm, hidden, 0, hidden);
  shape_linear(layer.query, queries, hidden, false);
  shape_linear(layer.key_value, 2 * keys, hidden, false);
  shape_linear(layer.output, hidden, queries, false);
  declare_linear(attention + "q_proj.weight", layer.query, queries, 0, Half::kWhole);
  declare_linear(attention + "k_proj.weight", layer.key_value, keys, 0, Half::kWhole);
  declare_linear(attention + "v_proj.weight", layer.key_value, keys, keys, Half::kWhole);
  declare_linear(attention + "o_proj.weight", layer.output, hidden, 0, Half::kWhole);
  if (config_.qkv_bias) {
    declare_vector(attention + "q_proj.bias", layer.query.bias, queries, 0, queries);
    declare_vector(attention + "k_proj.bias", layer.key_value.bias, keys, 0, 2 * keys);
    declare_vector(attention + "v_proj.bias", layer.key_value.bias, keys, keys, 2 * keys);
  }
  if (config_.qk_norm) {
    declare_vector(attention + "q_norm.weight", layer.query_norm, config_.head_dim, 0, config_.head_dim);
    declare_vector(attention + "k_norm.weight", layer.key_norm, config_.head_dim, 0, config_.head_dim);
  }
  declare_feed_forward(index);
}

void Weights::declare_feed_forward(int index) {
  Layer& layer = layers_[index];
  const std::string prefix = "model.layers." + std::to_string(index) + ".mlp.";
  if (!config_.sparse(index)) {
    layer.experts.resize(1);
    declare_expert(prefix, layer.experts[0], config_.intermediate);
    return;
  }
  shape_linear(layer.router, config_.experts, config_.hidden, false);
  declare_linear(prefix + "gate.weight", layer.router, config_.experts, 0, Half::kWhole);
  layer.experts.resize(config_.experts);
  for (int e = 0; e < config_.experts; e++) {
    declare_expert(prefix + "experts." + std::to_string(e) + ".", layer.experts[e], config_.expert_intermediate);
  }
}

void Weights::declare_expert(const std::string& prefix, Expert& expert, int width) {
  shape_linear(expert.gate_up, width, config_.hidden, true);
  shape_linear(expert.down, config_.hidden, width, false);
  declare_linear(prefix + "gate_proj.weight", expert.gate_up, width, 0, Half::kGate);
  declare_linear(prefix + "up_proj.weight", expert.gate_up, width, 0, Half::kUp);
  declare_linear(prefix + "down_proj.weight", expert.down, config_.hidden, 0, Half::kWhole);
}

void Weights::declare_vector(const std::string& name, Buffer<float>& target, int width, int offset, int total) {
  tensors_.declare(name, {width}, [&target, width, offset, total](const TensorView& source) {
    target.reserve(total);
    for (int i = 0; i < width; i++) {
      target[offset + i] = source.at(i);
    }
  });
}

void Weights::declare_linear(const std::string& name, Linear& target, int rows, int row_offset, Half half) {
  tensors_.declare(name, {rows, target.k}, [this, &target, rows, row_offset, half](const TensorView& source) {
    if (quantizer_ == nullptr) {
      pack_f32(kernels_, pool_, arena_, source, target, rows, row_offset, half);
    } else {
      stage(source, target, rows, row_offset, half);
    }
  });
}

// Norms and rotations come from other tensors: matrices wait on the side until all are there.
void Weights::stage(const TensorView& source, Linear& target, int rows, int row_offset, Half half) {
  StagedMatrix part{{}, source.dtype, rows, row_offset, half == Half::kUp};
  const size_t size = static_cast<size_t>(rows) * target.k * dtype_bytes(source.dtype);
  part.data.reserve(size);
  std::memcpy(part.data.data(), source.data, size);
  target.staged.push_back(std::move(part));
}

void Weights::shape_linear(Linear& linear, int columns, int k, bool paired) const {
  const int width = paired ? kernels_.panel / 2 : kernels_.panel;
  linear.columns = columns;
  linear.k = k;
  linear.panels = (columns + width - 1) / width;
  linear.paired = paired;
}

void pack_f32(const Kernels& kernels, ThreadPool& pool, Arena& arena, const TensorView& source, Linear& target,
              int rows, int row_offset, Half half) {
  const int panel = kernels.panel;
  const int width = half == Half::kWhole ? panel : panel / 2;
  const int shift = half == Half::kUp ? width : 0;
  const int64_t k = target.k;
  if (target.packed.size() == 0) {
    const size_t size = static_cast<size_t>(target.panels) * k * panel;
    target.packed.place(arena, size);
    std::memset(target.packed.data(), 0, size * sizeof(float));
  }
  const int first = row_offset / width;
  const int last = (row_offset + rows + width - 1) / width;
  pool.run(last - first, [&](int64_t task, int) {
    const int index = first + static_cast<int>(task);
    float* out = target.packed.data() + index * k * panel + shift;
    for (int column = 0; column < width; column++) {
      const int64_t row = static_cast<int64_t>(index) * width + column - row_offset;
      if (row < 0 || row >= rows) {
        continue;
      }
      for (int64_t i = 0; i < k; i++) {
        out[i * panel + column] = source.at(row * k + i);
      }
    }
  });
}

void Weights::set(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                  int64_t bytes) {
  tensors_.set(name, dtype, rank, shape, data, bytes);
}

void Weights::finish() {
  tensors_.require_complete();
  if (quantizer_ == nullptr) {
    return;
  }
  quantizer_->choose_outliers(layers_, {embedding_dtype_, embedding_.data()});
  for (int l = 0; l < config_.layers; l++) {
    quantizer_->quantize(layers_[l], config_.sparse(l), l + 1 == config_.layers);
  }
  if (!config_.tied_embeddings) {
    head_rows_ = std::move(head_.staged.front());
    head_.staged.clear();
  }
  const TensorView rows = config_.tied_embeddings ? TensorView{embedding_dtype_, embedding_.data()}
                                                  : TensorView{head_rows_.dtype, head_rows_.data.data()};
  quantizer_->quantize_head(head_, rows, final_norm_.data());
}

void Weights::embed(int32_t token, float* out) const {
  const TensorView table = {embedding_dtype_, embedding_.data()};
  const int64_t begin = static_cast<int64_t>(token) * config_.hidden;
  for (int i = 0; i < config_.hidden; i++) {
    out[i] = table.at(begin + i);
  }
  if (quantizer_ != nullptr) {
    quantizer_->stream().apply(out);
  }
}

void Weights::unrotate(float* row) const {
  if (quantizer_ != nullptr) {
    quantizer_->stream().invert(row);
  }
}

float Weights::head_weight(int32_t token, int i) const {
  const int panel = kernels_.panel;
  if (quantizer_ == nullptr) {
    return head_.packed.data()[(static_cast<size_t>(token / panel) * head_.k + i) * panel + token % panel];
  }
  const TensorView rows = config_.tied_embeddings ? TensorView{embedding_dtype_, embedding_.data()}
                                                  : TensorView{head_rows_.dtype, head_rows_.data.data()};
  return rows.at(static_cast<int64_t>(token) * head_.k + i);
}

HeadRows Weights::head_of(const std::vector<int32_t>& tokens) const {
  const int panel = kernels_.panel;
  const int columns = static_cast<int>(tokens.size());
  HeadRows head = {columns, (columns + panel - 1) / panel, {}};
  const size_t size = static_cast<size_t>(head.panels) * config_.hidden * panel;
  head.packed.reserve(size);
  std::memset(head.packed.data(), 0, size * sizeof(float));
  for (size_t n = 0; n < tokens.size(); n++) {
    float* out = head.packed.data() + static_cast<int64_t>(n / panel) * config_.hidden * panel + n % panel;
    for (int i = 0; i < config_.hidden; i++) {
      out[i * panel] = head_weight(tokens[n], i);
    }
  }
  return head;
}

int64_t Weights::bytes() const {
  size_t total = embedding_.bytes() + head_rows_.data.bytes() + final_norm_.bytes();
  const auto add = [&total](const Linear& linear) {
    total += linear.packed.bytes() + linear.packed_int8.bytes() + linear.column_scales.bytes() +
             linear.outlier_weights.bytes() + linear.bias.bytes();
  };
  add(head_);
  for (const Layer& layer : layers_) {
    add(layer.query);
    add(layer.key_value);
    add(layer.output);
    add(layer.router);
    for (const Expert& expert : layer.experts) {
      add(expert.gate_up);
      add(expert.down);
    }
  }
  return static_cast<int64_t>(total);
}

}  // namespace gavel
