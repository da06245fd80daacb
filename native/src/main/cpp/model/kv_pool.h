// KV memory as numbered blocks of a few tokens. Per layer and block: keys [kv_heads][head_dim][tokens],
// then values [kv_heads][tokens][head_dim], the layout that the attention kernel reads.
#pragma once

#include <cstdint>

#include "model/config.h"
#include "support/buffer.h"

namespace gavel {

class KvPool {
 public:
  explicit KvPool(const Config& config)
      : tokens_(config.block_tokens),
        blocks_(config.blocks),
        head_size_(static_cast<int64_t>(config.head_dim) * config.block_tokens),
        block_size_(2 * config.kv_heads * head_size_),
        values_(config.kv_heads * head_size_),
        data_(static_cast<size_t>(config.layers) * config.blocks * block_size_) {}

  int block_tokens() const { return tokens_; }
  int64_t bytes() const { return static_cast<int64_t>(data_.bytes()); }

  float* keys(int layer, int block, int head) { return at(layer, block) + head * head_size_; }
  float* values(int layer, int block, int head) { return at(layer, block) + values_ + head * head_size_; }

 private:
  float* at(int layer, int block) {
    return data_.data() + (static_cast<int64_t>(layer) * blocks_ + block) * block_size_;
  }

  int tokens_;
  int64_t blocks_;
  int64_t head_size_;   // floats of one head's keys in a block
  int64_t block_size_;  // floats of a block
  int64_t values_;      // offset of the values
  Buffer<float> data_;
};

}  // namespace gavel
