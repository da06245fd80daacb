// Keys and values: those kept in the pool's blocks, those of the batch in flight, and attention over
// both. The layout in blocks and in scratch is the one that the attention kernel reads.
//
// Pool, per layer and block: keys [kv_heads][head_dim * block_tokens] transposed, then values
// [kv_heads][block_tokens][head_dim]. Scratch, per layer parity (the next layer's are written while
// this layer's are read): keys [kv_heads][tiles][head_dim * kKeyTile], values [kv_heads][rows][head_dim].
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "model/plan.h"
#include "support/buffer.h"

namespace gavel {

// Query rows of one sequence at one KV head.
struct QueryRows {
  const float* queries;  // row 0, after RoPE
  float* outputs;        // row 0
  int64_t stride;        // floats from row to row, of both
  const int* positions;  // [rows]
  int rows;
};

class KeyValues {
 public:
  // fp32 elements, or bf16 where linear layers compute in int8.
  static std::unique_ptr<KeyValues> create(const Config& config, const Kernels& kernels, int threads);

  virtual ~KeyValues() = default;

  // Makes scratch for a batch.
  virtual void begin(const Plan& plan) = 0;

  // Stores a row's keys (after RoPE) and values, [kv_width] each: in scratch, and in the pool if its
  // sequence keeps them. Different rows may be stored at once.
  virtual void store(const Plan& plan, int layer, int row, const float* keys, const float* values) = 0;

  // Attention of some rows of a sequence; queries and outputs point at the first query head of KV head
  // `head`. Different heads or rows may attend at once, on different threads.
  virtual void attend(const Plan& plan, int layer, int sequence, int head, const QueryRows& rows, int thread) = 0;

  virtual int64_t pool_bytes() const = 0;
  virtual int64_t scratch_bytes() const = 0;
  virtual int64_t bytes_per_token() const = 0;
};

}  // namespace gavel
