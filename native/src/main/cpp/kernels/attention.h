// Attention of some query rows of one KV head over the keys they see, in fp32.
//
//   out[r] = sum_p softmax_p(scale * q[r] . K[p]) V[p],   p in [0, visible[r])
//
// The keys lie in spans (cached blocks, a parent's rows, own rows) in the order of their positions.
// Scores, maximum, sum and weighted values are computed in that order, independent of where spans
// begin: a row's result has the same bits however its keys are stored. Softmax is in two passes over
// the whole row; contexts here are short.
//
// Keys are stored transposed, so that a vector holds one coordinate of up to 16 keys.
#pragma once

#include <cstdint>

namespace gavel {

constexpr int kKeyTile = 16;     // most keys per span
constexpr int kAttentionRows = 12;  // most query rows per call

struct KeySpan {
  const float* keys;    // [head_dim][key_stride], `count` of them used; 16 may be read
  const float* values;  // [count][head_dim]
  int count;            // 1 to kKeyTile
  int key_stride;
};

struct Attention {
  const float* const* queries;  // [rows] each [head_dim]
  float* const* outputs;        // [rows] each [head_dim]
  const int* visible;           // [rows] positions seen, at least 1
  int rows;                     // 1 to kAttentionRows
  const KeySpan* spans;         // together at least max(visible) keys
  int head_dim;
  float scale;
  float* scores;         // [kAttentionRows, score_stride] scratch
  int64_t score_stride;  // at least max(visible) rounded up to 16, plus 16
};

}  // namespace gavel
