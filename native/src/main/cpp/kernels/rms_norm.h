// RMSNorm of rows (Zhang and Sennrich, arXiv 1910.07467): out[i] = x[i] * rsqrt(mean(x^2) + epsilon) * w[i].
#pragma once

#include <cstdint>

namespace gavel {

struct RmsNorm {
  const float* x;  // [rows, stride]
  int64_t stride;
  int rows;
  int width;
  const float* weight;  // [width]
  float epsilon;
  float* out;  // [rows, out_stride]; may be x
  int64_t out_stride;
};

}  // namespace gavel
