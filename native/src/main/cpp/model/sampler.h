// One token from a row of logits: temperature, then top-k, then top-p, then a seeded draw.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace gavel {

struct SamplerSettings {
  float temperature;  // 0 is greedy
  int top_k;          // 0 keeps all
  float top_p;        // 1 keeps all
  uint64_t seed;
  uint32_t draw;
};

// Uniform in [0, 1) from Philox4x32-10 (Salmon et al., SC 2011), keyed by the seed, at counter `draw`.
double uniform(uint64_t seed, uint32_t draw);

class Sampler {
 public:
  explicit Sampler(const Kernels& kernels) : kernels_(&kernels) {}

  // The lowest id wins among equal logits. logits: [vocabulary], numbers or -infinity.
  int32_t sample(const float* logits, int vocabulary, const SamplerSettings& settings);

 private:
  int32_t best(const float* logits, int vocabulary);
  void weigh(const float* logits, int vocabulary, float highest, float temperature);
  int32_t draw_from_all(const SamplerSettings& settings) const;
  int32_t draw_from_best(const float* logits, const SamplerSettings& settings);
  void rank(const float* logits, int count);
  float at_most_ranked(const float* logits, int count);

  const Kernels* kernels_;
  // Scratch of one call.
  std::vector<float> maxima_;    // of groups of logits
  std::vector<float> weights_;   // [vocabulary]
  std::vector<double> sums_;     // of pieces of the weights
  double total_ = 0;             // of all weights
  std::vector<int32_t> ranked_;  // the best tokens, best first
  std::vector<float> selection_;
};

}  // namespace gavel
