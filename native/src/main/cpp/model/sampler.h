// One token from a row of logits: temperature, then top-k, then top-p, then a seeded draw.
#pragma once

#include <cstdint>
#include <vector>

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
  // The lowest id wins among equal logits. logits: [vocabulary].
  int32_t sample(const float* logits, int vocabulary, const SamplerSettings& settings);

 private:
  struct Candidate {
    float logit;
    int32_t token;
  };
  int32_t draw_from_all(const float* logits, int vocabulary, const SamplerSettings& settings, double total) const;
  int32_t draw_from_best(const float* logits, int vocabulary, const SamplerSettings& settings, double total);

  std::vector<Candidate> candidates_;  // scratch
};

}  // namespace gavel
