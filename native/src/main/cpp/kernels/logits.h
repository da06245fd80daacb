// What the sampler does with all the logits of a row.
//
//   maxima[g] = max of logits[64 g .. 64 g + 63]
//   weights[i] = exp((logits[i] - highest) * inverse_temperature), and exactly 0 below e^-87; also their sum
#pragma once

#include <cstdint>

namespace gavel {

constexpr int kLogitGroup = 64;

constexpr int64_t logit_groups(int64_t count) { return (count + kLogitGroup - 1) / kLogitGroup; }

struct WeighLogits {
  const float* logits;  // [count]
  int64_t count;
  float highest;              // at least every logit
  float inverse_temperature;  // finite
  float* weights;             // [count]
};

}  // namespace gavel
