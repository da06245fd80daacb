// Bias, norm of heads, rotary embedding (half-split, arXiv 2104.09864) and append to the paged keys and
// values; see gavel_cuda_rope.
//
// A head is `lanes` lanes, each with 8 elements of the first half and the 8 they turn with in the second, so
// all accesses are of 16 bytes and the norm is a reduction over a few lanes.
#pragma once

#include "device/reduce.h"
#include "device/types.h"
#include "gavel_cuda.h"

namespace gavel::cuda {

constexpr int kRopeThreads = 256;

template <typename T, int lanes>
GAVEL_KERNEL(kRopeThreads)
rope_kernel(const gavel_cuda_rope args) {
  const int all_heads = args.heads + 2 * args.kv_heads;
  const int64_t index = static_cast<int64_t>(block_x()) * (kRopeThreads / lanes) + thread_index() / lanes;
  const int half = args.head_dim / 2;
  const int element = thread_index() % lanes * kChunk;
  // Lanes without work stay for the shuffles.
  const bool active = index < static_cast<int64_t>(args.rows) * all_heads && element < half;
  const int64_t row = active ? index / all_heads : 0;
  const int head = active ? static_cast<int>(index % all_heads) : 0;
  const bool is_query = head < args.heads;
  const bool is_value = head >= args.heads + args.kv_heads;
  float a[kChunk] = {};
  float b[kChunk] = {};
  if (active) {
    const T* source = static_cast<const T*>(args.qkv) + index * args.head_dim + element;
    load8(source, a);
    load8(source + half, b);
    if (args.bias != nullptr) {
      const T* bias = static_cast<const T*>(args.bias) + head * args.head_dim + element;
      float bias_a[kChunk];
      float bias_b[kChunk];
      load8(bias, bias_a);
      load8(bias + half, bias_b);
      for (int i = 0; i < kChunk; i++) {
        a[i] += bias_a[i];
        b[i] += bias_b[i];
      }
    }
  }
  float squares = 0;
  for (int i = 0; i < kChunk; i++) {
    squares += a[i] * a[i] + b[i] * b[i];
  }
  squares = lanes_sum<lanes>(squares);
  if (!active) {
    return;
  }
  const void* norm = is_value ? nullptr : is_query ? args.query_norm : args.key_norm;
  if (norm != nullptr) {
    const float scale = rsqrtf(squares / static_cast<float>(args.head_dim) + args.epsilon);
    float weight_a[kChunk];
    float weight_b[kChunk];
    load8(static_cast<const T*>(norm) + element, weight_a);
    load8(static_cast<const T*>(norm) + element + half, weight_b);
    for (int i = 0; i < kChunk; i++) {
      a[i] *= scale * weight_a[i];
      b[i] *= scale * weight_b[i];
    }
  }
  if (!is_value) {
    const int64_t at = static_cast<int64_t>(args.positions[row]) * half + element;
    for (int i = 0; i < kChunk; i++) {
      const float x = a[i];
      const float cosine = args.cosines[at + i];
      const float sine = args.sines[at + i];
      a[i] = x * cosine - b[i] * sine;
      b[i] = b[i] * cosine + x * sine;
    }
  }
  T* target;
  if (is_query) {
    target = static_cast<T*>(args.queries) + (row * args.heads + head) * args.head_dim;
  } else {
    const int kv_head = head - args.heads - (is_value ? args.kv_heads : 0);
    const int64_t slot = args.slots[row];
    target = static_cast<T*>(is_value ? args.values : args.keys) + (slot * args.kv_heads + kv_head) * args.head_dim;
  }
  store8(target + element, a);
  store8(target + element + half, b);
}

}  // namespace gavel::cuda
