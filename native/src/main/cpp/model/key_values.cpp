#include "model/key_values.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gavel {

namespace {

// Rounds to nearest even.
Bfloat16 to_bfloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<Bfloat16>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

void convert(const float* source, int count, Bfloat16* target) {
  for (int i = 0; i < count; i++) {
    target[i] = to_bfloat16(source[i]);
  }
}

void convert(const float* source, int count, float* target) { std::memcpy(target, source, count * sizeof(float)); }

// Writes one key's column of a transposed tile.
void scatter(const float* key, int dim, int stride, float* target) {
  for (int d = 0; d < dim; d++) {
    target[static_cast<int64_t>(d) * stride] = key[d];
  }
}

void scatter(const Bfloat16* key, int dim, int stride, Bfloat16* target) {
  for (int d = 0; d < dim; d += 2) {
    std::memcpy(target + static_cast<int64_t>(d) * stride, key + d, 2 * sizeof(Bfloat16));
  }
}

// Where key i of a tile begins.
constexpr int key_offset(float, int i) { return i; }
constexpr int key_offset(Bfloat16, int i) { return 2 * i; }

void run(const Kernels& kernels, const Attention<float>& args) { kernels.attention(args); }
void run(const Kernels& kernels, const Attention<Bfloat16>& args) { kernels.attention_bf16(args); }

template <typename T>
class TypedKeyValues : public KeyValues {
 public:
  TypedKeyValues(const Config& config, const Kernels& kernels, int threads)
      : config_(config),
        kernels_(kernels),
        tokens_(config.block_tokens),
        head_size_(static_cast<int64_t>(config.head_dim) * config.block_tokens),
        block_size_(2 * config.kv_heads * head_size_),
        pool_(static_cast<size_t>(config.layers) * config.blocks * block_size_),
        workspaces_(threads) {}

  void begin(const Plan& plan) override {
    key_head_size_ = static_cast<int64_t>(plan.key_tiles) * config_.head_dim * kKeyTile;
    value_head_size_ = static_cast<int64_t>(plan.rows()) * config_.head_dim;
    score_stride_ = (plan.max_visible + kKeyTile - 1) / kKeyTile * kKeyTile + kKeyTile;
    for (int parity = 0; parity < 2; parity++) {
      keys_[parity].reserve(key_head_size_ * config_.kv_heads);
      values_[parity].reserve(value_head_size_ * config_.kv_heads);
    }
    for (Workspace& ws : workspaces_) {
      ws.scores.reserve(kAttentionRows * score_stride_);
      ws.queries.reserve(static_cast<size_t>(kAttentionRows) * config_.head_dim);
    }
  }

  void store(const Plan& plan, int layer, int row, const float* keys, const float* values) override {
    const PlannedSequence& sequence = plan.sequences[plan.row_sequence[row]];
    const int dim = config_.head_dim;
    const int own = row - sequence.row_begin;
    const int64_t tile = sequence.key_tile + own / kKeyTile;
    const int kept = sequence.keep_start + own;
    T key[kMostDims];
    T value[kMostDims];
    for (int head = 0; head < config_.kv_heads; head++) {
      convert(keys + head * dim, dim, key);
      convert(values + head * dim, dim, value);
      scatter(key, dim, kKeyTile, scratch_keys(layer, head) + tile * dim * kKeyTile + key_offset(T{}, own % kKeyTile));
      std::memcpy(scratch_values(layer, head) + static_cast<int64_t>(row) * dim, value, dim * sizeof(T));
      if (sequence.keep_begin >= 0) {
        const int block = plan.batch->keep_blocks[sequence.keep_begin + kept / tokens_];
        scatter(key, dim, tokens_, pool_keys(layer, block, head) + key_offset(T{}, kept % tokens_));
        std::memcpy(pool_values(layer, block, head) + static_cast<int64_t>(kept % tokens_) * dim, value,
                    dim * sizeof(T));
      }
    }
  }

  void attend(const Plan& plan, int layer, int sequence, int head, const QueryRows& rows, int thread) override {
    Workspace& ws = workspaces_[thread];
    const int dim = config_.head_dim;
    ws.spans.clear();
    key_spans(plan, layer, sequence, head, ws.spans);
    const T* queries[kAttentionRows];
    float* outputs[kAttentionRows];
    int visible[kAttentionRows];
    int count = 0;
    const auto flush = [&] {
      run(kernels_, Attention<T>{queries, outputs, visible, count, ws.spans.data(), dim,
                                 1.0f / std::sqrt(static_cast<float>(dim)), ws.scores.data(), score_stride_});
      count = 0;
    };
    for (int i = 0; i < rows.rows; i++) {
      for (int g = 0; g < config_.group(); g++) {
        const int64_t offset = i * rows.stride + g * dim;
        T* query = ws.queries.data() + count * dim;
        convert(rows.queries + offset, dim, query);
        queries[count] = query;
        outputs[count] = rows.outputs + offset;
        visible[count] = rows.positions[i] + 1;
        if (++count == kAttentionRows) {
          flush();
        }
      }
    }
    if (count > 0) {
      flush();
    }
  }

  int64_t pool_bytes() const override { return static_cast<int64_t>(pool_.bytes()); }

  int64_t scratch_bytes() const override {
    size_t total = 0;
    for (int parity = 0; parity < 2; parity++) {
      total += keys_[parity].bytes() + values_[parity].bytes();
    }
    for (const Workspace& ws : workspaces_) {
      total += ws.scores.bytes() + ws.queries.bytes();
    }
    return static_cast<int64_t>(total);
  }

  int64_t bytes_per_token() const override {
    return 2ll * config_.layers * config_.kv_width() * static_cast<int64_t>(sizeof(T));
  }

 private:
  static constexpr int kMostDims = 1024;  // of config.cpp

  struct Workspace {
    Buffer<float> scores;  // [kAttentionRows, score_stride]
    Buffer<T> queries;     // [kAttentionRows, head_dim]
    std::vector<KeySpan<T>> spans;
  };

  // Everything the sequence sees, in the order of positions: the root's chain, then own rows downward.
  void key_spans(const Plan& plan, int layer, int index, int head, std::vector<KeySpan<T>>& spans) {
    const PlannedSequence& sequence = plan.sequences[index];
    const int dim = config_.head_dim;
    if (sequence.parent >= 0) {
      key_spans(plan, layer, sequence.parent, head, spans);
    }
    for (int i = sequence.chain_begin; i < sequence.chain_end; i++) {
      const int block = plan.batch->chain_blocks[i];
      const int count = plan.batch->chain_counts[i];
      for (int first = 0; first < count; first += kKeyTile) {
        spans.push_back({pool_keys(layer, block, head) + key_offset(T{}, first),
                         pool_values(layer, block, head) + static_cast<int64_t>(first) * dim,
                         std::min(kKeyTile, count - first), tokens_});
      }
    }
    for (int first = 0; first < sequence.rows(); first += kKeyTile) {
      const int64_t tile = sequence.key_tile + first / kKeyTile;
      spans.push_back({scratch_keys(layer, head) + tile * dim * kKeyTile,
                       scratch_values(layer, head) + static_cast<int64_t>(sequence.row_begin + first) * dim,
                       std::min(kKeyTile, sequence.rows() - first), kKeyTile});
    }
  }

  T* pool_keys(int layer, int block, int head) {
    return pool_.data() + (static_cast<int64_t>(layer) * config_.blocks + block) * block_size_ + head * head_size_;
  }
  T* pool_values(int layer, int block, int head) {
    return pool_keys(layer, block, head) + config_.kv_heads * head_size_;
  }
  T* scratch_keys(int layer, int head) { return keys_[layer % 2].data() + head * key_head_size_; }
  T* scratch_values(int layer, int head) { return values_[layer % 2].data() + head * value_head_size_; }

  const Config& config_;
  const Kernels& kernels_;
  const int tokens_;         // per block
  const int64_t head_size_;  // of one head's keys in a block
  const int64_t block_size_;
  Buffer<T> pool_;
  Buffer<T> keys_[2];
  Buffer<T> values_[2];
  int64_t key_head_size_ = 0;
  int64_t value_head_size_ = 0;
  int64_t score_stride_ = 0;
  std::vector<Workspace> workspaces_;
};

}  // namespace

std::unique_ptr<KeyValues> KeyValues::create(const Config& config, const Kernels& kernels, int threads) {
  if (config.quantization == GAVEL_QUANTIZATION_INT8) {
    return std::make_unique<TypedKeyValues<Bfloat16>>(config, kernels, threads);
  }
  return std::make_unique<TypedKeyValues<float>>(config, kernels, threads);
}

}  // namespace gavel
