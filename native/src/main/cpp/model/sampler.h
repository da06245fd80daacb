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

  // The lowest id wins among equal logits. logits: [vocabulary], finite or -infinity, and one
  // of them finite.
  int32_t sample(const float* logits, int vocabulary, const SamplerSettings& settings);

 private:
  struct Candidate {
    float logit;
    float weight;
    int32_t token;
  };
  // The best candidates, and what they weigh.
  struct Reach {
    size_t count;
    double weight;
  };

  int32_t best(const float* logits, int vocabulary);
  void weigh(const float* logits, int vocabulary, float highest, float temperature);
  int32_t draw_from_all(const SamplerSettings& settings) const;
  int32_t draw_from_best(const float* logits, const SamplerSettings& settings);
  void gather(const float* logits, size_t count);
  double weight(size_t begin, size_t end) const;
  Reach reach(size_t end, double target);

  const Kernels* kernels_;
  // Scratch of one call.
  std::vector<float> maxima_;   // of groups of logits
  std::vector<float> weights_;  // [vocabulary]
  std::vector<double> sums_;    // of pieces of the weights
  double total_ = 0;            // of all weights
  std::vector<Candidate> candidates_;
  std::vector<float> selection_;
};

}  // namespace gavel
