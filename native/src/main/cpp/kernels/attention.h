// Attention of some query rows of one KV head over the keys they see.
//
//   out[r] = sum_p softmax_p(scale * q[r] . K[p]) V[p],   p in [0, visible[r])
//
// The keys lie in spans (cached blocks, a parent's rows, own rows) in the order of their positions.
// Scores, maximum, sum and weighted values are computed in that order, independent of where spans
// begin: a row's result has the same bits however its keys are stored. Softmax is in two passes over
// the whole row; contexts here are short.
//
// Two element types. fp32: queries, keys, values and weights in fp32. bf16: all four rounded to bf16,
// products exact, sums in fp32 (what VDPBF16PS computes); the rounded weights are what is summed.
//
// Keys are stored transposed, so that a vector holds one coordinate (bf16: a pair of coordinates) of
// up to 16 keys: coordinate d of key i is at [d * stride + i], in bf16 at [(d / 2 * stride + i) * 2 + d % 2].
#pragma once

#include <cstdint>

namespace gavel {

constexpr int kKeyTile = 16;        // most keys per span
constexpr int kAttentionRows = 12;  // most query rows per call

using Bfloat16 = uint16_t;  // the upper half of an fp32

template <typename T>
struct KeySpan {
  const T* keys;    // transposed; 16 keys may be read
  const T* values;  // [count][head_dim]
  int count;        // 1 to kKeyTile
  int key_stride;   // keys per coordinate
};

template <typename T>
struct Attention {
  const T* const* queries;  // [rows] each [head_dim]
  float* const* outputs;    // [rows] each [head_dim]
  const int* visible;       // [rows] positions seen, at least 1
  int rows;                 // 1 to kAttentionRows
  const KeySpan<T>* spans;  // together at least max(visible) keys
  int head_dim;             // even
  float scale;
  float* scores;         // [kAttentionRows, score_stride] scratch
  int64_t score_stride;  // at least max(visible) rounded up to 16, plus 16
};

}  // namespace gavel
