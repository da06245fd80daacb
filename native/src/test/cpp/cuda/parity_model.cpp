#include "parity_model.h"

#include <cmath>
#include <cstring>

namespace parity {

namespace {

uint16_t truncated(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}

class Maker {
 public:
  Maker(Checkpoint& target, std::mt19937_64& generator) : target_(target), generator_(generator) {}

  // Rows keep the size of what they multiply.
  void matrix(const std::string& name, int64_t rows, int64_t k, double gain = 1) {
    fill(name, {rows, k}, 0, gain / std::sqrt(static_cast<double>(k)));
  }
  void vector(const std::string& name, int64_t width, double mean) { fill(name, {width}, mean, 0.2); }

 private:
  void fill(const std::string& name, std::vector<int64_t> shape, double mean, double deviation) {
    std::normal_distribution<double> normal(mean, deviation);
    Tensor& tensor = target_.tensors[name];
    int64_t elements = 1;
    for (const int64_t size : shape) {
      elements *= size;
    }
    tensor.shape = std::move(shape);
    for (int64_t i = 0; i < elements; i++) {
      tensor.bf16.push_back(truncated(static_cast<float>(normal(generator_))));
    }
  }

  Checkpoint& target_;
  std::mt19937_64& generator_;
};

void add_expert(Maker& maker, const std::string& prefix, int hidden, int width) {
  maker.matrix(prefix + "gate_proj.weight", width, hidden);
  maker.matrix(prefix + "up_proj.weight", width, hidden);
  maker.matrix(prefix + "down_proj.weight", hidden, width);
}

void add_layer(Maker& maker, const Checkpoint& checkpoint, int index) {
  const gavel_config& c = checkpoint.config;
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  const std::string attention = prefix + "self_attn.";
  const struct {
    const char* name;
    int width;
  } projections[] = {
      {"q_proj", c.heads * c.head_dim}, {"k_proj", c.kv_heads * c.head_dim}, {"v_proj", c.kv_heads * c.head_dim}};
  maker.vector(prefix + "input_layernorm.weight", c.hidden, 1);
  maker.vector(prefix + "post_attention_layernorm.weight", c.hidden, 1);
  for (const auto& [name, width] : projections) {
    maker.matrix(attention + name + ".weight", width, c.hidden);
    if (c.qkv_bias) {
      maker.vector(attention + name + ".bias", width, 0);
    }
  }
  maker.matrix(attention + "o_proj.weight", c.hidden, c.heads * c.head_dim);
  if (c.qk_norm) {
    maker.vector(attention + "q_norm.weight", c.head_dim, 1);
    maker.vector(attention + "k_norm.weight", c.head_dim, 1);
  }
  if (c.experts == 0 || (!checkpoint.dense_layers.empty() && checkpoint.dense_layers[index] != 0)) {
    add_expert(maker, prefix + "mlp.", c.hidden, c.intermediate);
    return;
  }
  maker.matrix(prefix + "mlp.gate.weight", c.experts, c.hidden, 2);
  for (int e = 0; e < c.experts; e++) {
    add_expert(maker, prefix + "mlp.experts." + std::to_string(e) + ".", c.hidden, c.expert_intermediate);
  }
}

gavel_config base(int step) {
  gavel_config c{};
  c.vocabulary = 131;
  c.hidden = 48;
  c.layers = 3;
  c.heads = 6;
  c.kv_heads = 2;
  c.head_dim = 16;
  c.intermediate = step == 8 ? 88 : 80;
  c.max_positions = 2048;
  c.rope_theta = 10000;
  c.rms_epsilon = 1e-5;
  c.threads = 1;
  c.batch_tokens_max = 700;
  c.block_tokens = 16;
  c.blocks = 64;
  return c;
}

// The same with heads and widths for four ranks.
gavel_config for_ranks(gavel_config config) {
  config.heads = config.heads / config.kv_heads * 4;
  config.kv_heads = 4;
  config.intermediate = 96;
  config.expert_intermediate = config.experts > 0 ? 32 : 0;
  return config;
}

}  // namespace

Checkpoint random_checkpoint(const char* name, const gavel_config& config, std::vector<uint8_t> dense_layers,
                             std::mt19937_64& generator) {
  Checkpoint checkpoint{name, config, std::move(dense_layers), {}};
  Maker maker(checkpoint, generator);
  maker.matrix("model.embed_tokens.weight", config.vocabulary, config.hidden, config.tied_embeddings ? 3 : 7);
  if (!config.tied_embeddings) {
    maker.matrix("lm_head.weight", config.vocabulary, config.hidden, 3);
  }
  maker.vector("model.norm.weight", config.hidden, 1);
  for (int l = 0; l < config.layers; l++) {
    add_layer(maker, checkpoint, l);
  }
  return checkpoint;
}

gavel_config Checkpoint::shape() const {
  gavel_config shape = config;
  shape.dense_layers = dense_layers.empty() ? nullptr : dense_layers.data();
  return shape;
}

void Checkpoint::load(gavel::Engine& engine) const {
  for (const auto& [name_of, tensor] : tensors) {
    engine.set_tensor(name_of.c_str(), GAVEL_BF16, static_cast<int32_t>(tensor.shape.size()), tensor.shape.data(),
                      tensor.bf16.data(), static_cast<int64_t>(tensor.bf16.size() * sizeof(uint16_t)));
  }
  engine.finish();
}

std::vector<Checkpoint> checkpoints(std::mt19937_64& generator, int ranks, int step) {
  std::vector<Checkpoint> all;
  const auto add = [&](const char* name, const gavel_config& shape, std::vector<uint8_t> dense_layers) {
    all.push_back(random_checkpoint(name, ranks > 1 ? for_ranks(shape) : shape, std::move(dense_layers), generator));
  };
  gavel_config llama = base(step);
  llama.tied_embeddings = 1;
  llama.rope_scaling = GAVEL_ROPE_LLAMA3;
  llama.rope_factor = 8;
  llama.rope_low_frequency_factor = 1;
  llama.rope_high_frequency_factor = 4;
  llama.rope_original_positions = 64;
  add("llama", llama, {});
  gavel_config qwen2 = base(step);
  qwen2.heads = 7;
  qwen2.kv_heads = 1;
  qwen2.hidden = step == 8 ? 56 : 80;
  qwen2.qkv_bias = 1;
  qwen2.layers = 1;
  add("qwen2", qwen2, {});
  gavel_config qwen3 = base(step);
  qwen3.heads = qwen3.kv_heads = 2;
  qwen3.head_dim = 80;
  qwen3.qk_norm = 1;
  qwen3.layers = 2;
  add("qwen3", qwen3, {});
  gavel_config sparse = base(step);
  sparse.qk_norm = 1;
  sparse.layers = 2;
  sparse.experts = 8;
  sparse.experts_per_token = 3;
  sparse.expert_intermediate = step == 8 ? 24 : 32;
  sparse.normalize_experts = 1;
  add("qwen3-moe", sparse, {});
  sparse.normalize_experts = 0;
  sparse.layers = 3;
  add("qwen3-moe with a dense layer", sparse, {0, 1, 0});
  return all;
}

}  // namespace parity
