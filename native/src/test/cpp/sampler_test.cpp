// The sampler against what it is defined to do: rank everything, cut, and look where the draw falls.
#include "model/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "checks.h"

namespace gavel::test {

namespace {

struct Ranked {
  vector<int> order;          // tokens in the order in which they are drawn
  vector<double> cumulative;  // their weights, from 0 on
};

Ranked rank(const vector<float>& logits, const SamplerSettings& s) {
  const int count = static_cast<int>(logits.size());
  const bool some = s.top_k > 0 && s.top_k < count;
  Ranked ranked;
  ranked.order.resize(count);
  std::iota(ranked.order.begin(), ranked.order.end(), 0);
  if (some || s.top_p < 1) {
    std::stable_sort(ranked.order.begin(), ranked.order.end(), [&](int a, int b) { return logits[a] > logits[b]; });
  }
  ranked.order.resize(some ? s.top_k : count);
  const double highest = *std::max_element(logits.begin(), logits.end());
  ranked.cumulative = {0};
  for (const int token : ranked.order) {
    ranked.cumulative.push_back(ranked.cumulative.back() + std::exp((logits[token] - highest) / s.temperature));
  }
  return ranked;
}

// How far outside of the token's share the draw falls, relative to all that is kept, over every end of what top-p
// keeps that rounding may lead to.
double outside(const Ranked& ranked, const SamplerSettings& s, int token, double slack) {
  const size_t place = std::find(ranked.order.begin(), ranked.order.end(), token) - ranked.order.begin();
  const double total = ranked.cumulative.back();
  double nearest = 1;
  for (size_t kept = place + 1; kept <= ranked.order.size(); kept++) {
    const double mass = ranked.cumulative[kept];
    if (mass < (s.top_p - slack) * total) {
      continue;
    }
    const double at = uniform(s.seed, s.draw) * mass;
    nearest =
        std::min(nearest, std::max({0.0, ranked.cumulative[place] - at, at - ranked.cumulative[place + 1]}) / mass);
    if (mass >= (s.top_p + slack) * total) {
      break;
    }
  }
  return nearest;
}

void test_sampler(const Kernels& kernels, const vector<float>& logits, SamplerSettings settings) {
  Sampler sampler(kernels);
  const int count = static_cast<int>(logits.size());
  const Ranked ranked = rank(logits, settings);
  const std::string what = std::string(kernels.name) + " sampler " + std::to_string(count) + " temperature " +
                           std::to_string(settings.temperature) + " top_k " + std::to_string(settings.top_k) +
                           " top_p " + std::to_string(settings.top_p);
  for (int draw = 0; draw < 10; draw++) {
    settings.seed = static_cast<uint64_t>(random_int(0, 1 << 30));
    settings.draw = draw;
    const int token = sampler.sample(logits.data(), count, settings);
    // A weight is off by 2 * 87 u in its exponent and 8 u else, sums of 1,024 of them by 1,024 u.
    const double slack = 2 * (2 * 87 + 8 + 1024) * kUnit;
    expect_near(what, 0, outside(ranked, settings, token, slack), slack);
  }
}

}  // namespace

void sweep_sampler(const Kernels& kernels) {
  for (const int vocabulary : {1, 13, 1000, 1025, 20011}) {
    vector<float> usual = randoms(vocabulary, 12);
    vector<float> ties = usual;
    vector<float> ruled_out = usual;
    for (int i = 0; i < vocabulary; i++) {
      ties[i] = std::round(ties[i]);
      ruled_out[i] = i % 3 == 1 ? -INFINITY : ruled_out[i];
    }
    for (const vector<float>& logits : {usual, ties, ruled_out, randoms(vocabulary, 0.01f)}) {
      for (const float temperature : {0.05f, 0.7f, 3.0f}) {
        for (const int top_k : {0, 20, 900, 4500}) {
          for (const float top_p : {1e-6f, 0.5f, 0.95f, 0.999f, 1.0f}) {
            test_sampler(kernels, logits, {temperature, top_k, top_p, 0, 0});
          }
        }
      }
      const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
      expect_equal("greedy", static_cast<float>(best),
                   static_cast<float>(Sampler(kernels).sample(logits.data(), vocabulary, {0, 5, 0.5f, 1, 2})));
    }
  }
}

}  // namespace gavel::test
