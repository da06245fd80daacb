#include "model/config.h"

#include <cstdint>

#include "support/affinity.h"
#include "support/error.h"

namespace gavel {

namespace {

void require_range(const char* name, int64_t value, int64_t least, int64_t most) {
  GAVEL_REQUIRE(value >= least && value <= most, "%s: expected %lld to %lld, found %lld", name,
                static_cast<long long>(least), static_cast<long long>(most), static_cast<long long>(value));
}

void require_flag(const char* name, int32_t value) { require_range(name, value, 0, 1); }

void check_shape(const gavel_config& c) {
  require_range("vocabulary", c.vocabulary, 1, 1 << 24);
  require_range("hidden", c.hidden, 1, 1 << 20);
  require_range("layers", c.layers, 1, 1024);
  require_range("kv_heads", c.kv_heads, 1, 4096);
  require_range("heads", c.heads, c.kv_heads, 4096);
  GAVEL_REQUIRE(c.heads % c.kv_heads == 0, "kv_heads: expected a divisor of heads %d, found %d", c.heads, c.kv_heads);
  require_range("head_dim", c.head_dim, 2, 1024);
  GAVEL_REQUIRE(c.head_dim % 2 == 0, "head_dim: expected an even number, found %d", c.head_dim);
  require_range("max_positions", c.max_positions, 1, 1 << 24);
  GAVEL_REQUIRE(c.rope_theta > 0, "rope_theta: expected more than 0, found %g", c.rope_theta);
  GAVEL_REQUIRE(c.rms_epsilon >= 0, "rms_epsilon: expected 0 or more, found %g", c.rms_epsilon);
  require_range("rope_scaling", c.rope_scaling, GAVEL_ROPE_DEFAULT, GAVEL_ROPE_LLAMA3);
  GAVEL_REQUIRE(c.rope_scaling == GAVEL_ROPE_DEFAULT || c.rope_factor > 0,
                "rope_factor: expected more than 0, found %g", c.rope_factor);
  if (c.rope_scaling == GAVEL_ROPE_LLAMA3) {
    GAVEL_REQUIRE(c.rope_high_frequency_factor > c.rope_low_frequency_factor && c.rope_original_positions > 0,
                  "rope: expected high_frequency_factor above low_frequency_factor and original positions, "
                  "found %g, %g and %d",
                  c.rope_high_frequency_factor, c.rope_low_frequency_factor, c.rope_original_positions);
  }
  require_flag("qkv_bias", c.qkv_bias);
  require_flag("qk_norm", c.qk_norm);
  require_flag("tied_embeddings", c.tied_embeddings);
  require_range("experts", c.experts, 0, 4096);
  if (c.experts > 0) {
    require_range("experts_per_token", c.experts_per_token, 1, c.experts);
    require_range("expert_intermediate", c.expert_intermediate, 1, 1 << 20);
    require_flag("normalize_experts", c.normalize_experts);
  }
}

void check_quantization(const gavel_config& c) {
  static constexpr const char* kNames[] = {"fp32", "int8", "bf16", "fp16", "fp8"};  // as in gavel.h
  require_range("quantization", c.quantization, GAVEL_QUANTIZATION_FP32, GAVEL_QUANTIZATION_FP8);
  const bool cpu = c.device_type == GAVEL_CPU;
  GAVEL_REQUIRE(cpu == (c.quantization <= GAVEL_QUANTIZATION_INT8), "quantization: expected %s, found %s",
                cpu ? "fp32 or int8 on a CPU" : "bf16, fp16 or fp8 on a CUDA device", kNames[c.quantization]);
}

void check_room(const gavel_config& c) {
  GAVEL_REQUIRE(c.device_type == GAVEL_CPU || c.device_type == GAVEL_CUDA,
                "device_type: expected %d (CPU) or %d (CUDA), found %d", GAVEL_CPU, GAVEL_CUDA, c.device_type);
  check_quantization(c);
  require_flag("graphs", c.graphs);
  require_range("threads", c.threads, 1, 1024);
  require_range("batch_tokens_max", c.batch_tokens_max, 1, 1 << 20);
  require_range("block_tokens", c.block_tokens, 1, 1024);
  require_range("blocks", c.blocks, 0, 1 << 24);
  if (c.cores != nullptr) {
    GAVEL_REQUIRE(c.device_type == GAVEL_CPU, "cores: expected none with a CUDA device, found some");
    require_cores(c.cores, c.threads);
  }
}

void require_share(const char* name, int32_t value, int32_t ranks) {
  GAVEL_REQUIRE(value % ranks == 0, "%s: expected a multiple of the %d ranks, found %d", name, ranks, value);
}

void check_ranks(const Config& c) {
  require_range("ranks", c.ranks, 0, 64);
  require_range("rank_timeout_ms", c.rank_timeout_ms, 0, INT32_MAX);
  if (c.ranks <= 1) {
    return;
  }
  GAVEL_REQUIRE(c.device_type == GAVEL_CUDA, "ranks: expected 1 on a CPU, found %d", c.ranks);
  GAVEL_REQUIRE(c.rank_devices != nullptr || c.all_reduce != nullptr,
                "ranks: expected the devices of all %d, or a function that sums over them, found neither", c.ranks);
  require_range("rank", c.rank, 0, c.ranks - 1);
  require_share("kv_heads", c.kv_heads, c.ranks);
  if (c.intermediate > 0) {
    require_share("intermediate", c.intermediate, c.ranks);
  }
  if (c.experts > 0) {
    require_share("expert_intermediate", c.expert_intermediate, c.ranks);
  }
}

}  // namespace

Config::Config(const gavel_config& source) : gavel_config(source) {
  check_shape(source);
  check_room(source);
  dense.assign(layers, experts == 0);
  bool any_dense = experts == 0;
  for (int l = 0; l < layers && experts > 0 && source.dense_layers != nullptr; l++) {
    dense[l] = source.dense_layers[l] != 0;
    any_dense |= dense[l];
  }
  dense_layers = nullptr;
  if (cores != nullptr) {
    processors.assign(cores, cores + threads);
    cores = nullptr;
  }
  if (any_dense) {
    require_range("intermediate", intermediate, 1, 1 << 20);
  } else {
    intermediate = 0;
  }
  check_ranks(*this);
  if (rank_devices != nullptr) {
    devices.assign(rank_devices, rank_devices + ranks);
    rank_devices = nullptr;
  }
}

Config Config::part() const {
  Config part = *this;
  if (dealt_out()) {
    part.heads /= ranks;
    part.kv_heads /= ranks;
    part.intermediate /= ranks;
    part.expert_intermediate /= ranks;
  }
  return part;
}

int64_t Config::linear_parameters() const {
  const int64_t width = hidden;
  int64_t total = 0;
  for (int l = 0; l < layers; l++) {
    total += 2 * width * (query_width() + kv_width());
    total +=
        sparse(l) ? width * experts + 3 * width * expert_intermediate * experts_per_token : 3 * width * intermediate;
  }
  return total;
}

}  // namespace gavel
