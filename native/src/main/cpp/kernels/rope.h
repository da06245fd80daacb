// Rotary position embedding (Su et al., arXiv 2104.09864) in the half-split layout of Hugging Face:
// for i < head_dim / 2, (x[i], x[i + half]) turns by the angle position * frequency[i].
#pragma once

namespace gavel {

struct Rope {
  float* x;  // [heads, head_dim], in place
  int heads;
  int head_dim;
  const float* cosines;  // [head_dim / 2] of the row's position
  const float* sines;    // [head_dim / 2]
};

}  // namespace gavel
