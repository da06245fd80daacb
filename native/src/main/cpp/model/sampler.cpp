#include "model/sampler.h"

#include <algorithm>
#include <cmath>

namespace gavel {

namespace {

// Best first.
constexpr auto kBetter = [](const auto& a, const auto& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
};

int32_t argmax(const float* logits, int vocabulary) {
  int32_t best = 0;
  for (int32_t i = 1; i < vocabulary; i++) {
    best = logits[i] > logits[best] ? i : best;
  }
  return best;
}

}  // namespace

double uniform(uint64_t seed, uint32_t draw) {
  uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  uint32_t counter[4] = {draw, 0, 0, 0};
  for (int round = 0; round < 10; round++) {
    const uint64_t a = 0xD2511F53ull * counter[0];
    const uint64_t b = 0xCD9E8D57ull * counter[2];
    const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
                              static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    std::copy(next, next + 4, counter);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  const uint64_t bits = (static_cast<uint64_t>(counter[0]) << 32) | counter[1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

int32_t Sampler::sample(const float* logits, int vocabulary, const SamplerSettings& settings) {
  const int32_t best = argmax(logits, vocabulary);
  if (settings.temperature == 0 || settings.top_k == 1) {
    return best;
  }
  double total = 0;
  for (int i = 0; i < vocabulary; i++) {
    total += std::exp((static_cast<double>(logits[i]) - logits[best]) / settings.temperature);
  }
  const bool all = (settings.top_k == 0 || settings.top_k >= vocabulary) && settings.top_p >= 1;
  return all ? draw_from_all(logits, vocabulary, settings, total) : draw_from_best(logits, vocabulary, settings, total);
}

int32_t Sampler::draw_from_all(const float* logits, int vocabulary, const SamplerSettings& settings,
                               double total) const {
  const double highest = logits[argmax(logits, vocabulary)];
  double left = uniform(settings.seed, settings.draw) * total;
  int32_t last = 0;
  for (int32_t i = 0; i < vocabulary; i++) {
    const double weight = std::exp((logits[i] - highest) / settings.temperature);
    last = weight > 0 ? i : last;
    left -= weight;
    if (left < 0) {
      return i;
    }
  }
  return last;
}

// Sorts no more candidates than top-k and top-p need: 256, then 16 times as many, and so on. Top-p is
// measured on what top-k left, as Transformers does.
int32_t Sampler::draw_from_best(const float* logits, int vocabulary, const SamplerSettings& settings, double total) {
  candidates_.resize(vocabulary);
  for (int32_t i = 0; i < vocabulary; i++) {
    candidates_[i] = {logits[i], i};
  }
  const int most = settings.top_k == 0 ? vocabulary : std::min(settings.top_k, vocabulary);
  const double highest = *std::max_element(logits, logits + vocabulary);
  const auto weight = [&](int i) { return std::exp((candidates_[i].logit - highest) / settings.temperature); };
  int sorted = 0;
  const auto sort_to = [&](int count) {
    const auto begin = candidates_.begin() + sorted;
    const auto end = candidates_.begin() + count;
    if (count < vocabulary) {
      std::nth_element(begin, end, candidates_.end(), kBetter);
    }
    std::sort(begin, end, kBetter);
    sorted = count;
  };
  if (settings.top_k > 0) {
    sort_to(most);
    total = 0;
    for (int i = 0; i < most; i++) {
      total += weight(i);
    }
  }
  int kept = 0;
  double mass = 0;
  while (kept < most) {
    if (kept == sorted) {
      sort_to(std::min(most, std::max(256, sorted * 16)));
    }
    mass += weight(kept++);
    if (mass >= settings.top_p * total) {
      break;
    }
  }
  double left = uniform(settings.seed, settings.draw) * mass;
  for (int i = 0; i + 1 < kept; i++) {
    left -= weight(i);
    if (left < 0) {
      return candidates_[i].token;
    }
  }
  return candidates_[kept - 1].token;
}

}  // namespace gavel
