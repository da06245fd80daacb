#include "model/sampler.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <functional>

namespace gavel {

namespace {

constexpr int kPiece = 1024;      // weights that are summed at once
constexpr int kFirstRanked = 64;  // most draws with top-p need no more; then four times as many, and so on

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
  const int32_t greedy = best(logits, vocabulary);
  const float highest = logits[greedy];
  if (settings.temperature == 0 || settings.top_k == 1 || !(std::fabs(highest) <= FLT_MAX)) {
    return greedy;
  }
  weigh(logits, vocabulary, highest, settings.temperature);
  const bool all = (settings.top_k == 0 || settings.top_k >= vocabulary) && settings.top_p >= 1;
  return all ? draw_from_all(settings) : draw_from_best(logits, settings);
}

int32_t Sampler::best(const float* logits, int vocabulary) {
  maxima_.resize(logit_groups(vocabulary));
  kernels_->group_maxima(logits, vocabulary, maxima_.data());
  const auto group = std::max_element(maxima_.begin(), maxima_.end());
  const int begin = static_cast<int>(group - maxima_.begin()) * kLogitGroup;
  const int end = std::min(vocabulary, begin + kLogitGroup);
  const float* found = std::find(logits + begin, logits + end, *group);
  return static_cast<int32_t>(found - logits);
}

void Sampler::weigh(const float* logits, int vocabulary, float highest, float temperature) {
  weights_.resize(vocabulary);
  sums_.clear();
  total_ = 0;
  const float inverse = std::min(1.0f / temperature, FLT_MAX);
  for (int begin = 0; begin < vocabulary; begin += kPiece) {
    const int count = std::min(kPiece, vocabulary - begin);
    sums_.push_back(kernels_->weigh_logits({logits + begin, count, highest, inverse, weights_.data() + begin}));
    total_ += sums_.back();
  }
}

// In the order of the tokens. What rounding leaves over falls to the last token that can be drawn.
int32_t Sampler::draw_from_all(const SamplerSettings& settings) const {
  double left = uniform(settings.seed, settings.draw) * total_;
  size_t piece = 0;
  for (; piece + 1 < sums_.size() && left >= sums_[piece]; piece++) {
    left -= sums_[piece];
  }
  const int begin = static_cast<int>(piece) * kPiece;
  const int end = std::min<int>(weights_.size(), begin + kPiece);
  for (int i = begin; i < end; i++) {
    left -= weights_[i];
    if (left < 0) {
      return i;
    }
  }
  int last = end - 1;
  while (weights_[last] == 0) {
    last--;
  }
  return last;
}

// From the best downwards, over no more candidates than top-k and top-p need. Top-p is measured on what
// top-k left, as Transformers does.
int32_t Sampler::draw_from_best(const float* logits, const SamplerSettings& settings) {
  const int vocabulary = static_cast<int>(weights_.size());
  const int most = settings.top_k == 0 ? vocabulary : std::min(settings.top_k, vocabulary);
  double total = total_;
  ranked_.clear();
  if (settings.top_k > 0) {
    rank(logits, most);
    total = 0;
    for (int i = 0; i < most; i++) {
      total += weights_[ranked_[i]];
    }
  }
  int kept = 0;
  double mass = 0;
  while (kept < most) {
    if (kept == static_cast<int>(ranked_.size())) {
      rank(logits, std::min(most, std::max(kFirstRanked, kept * 4)));
    }
    mass += weights_[ranked_[kept++]];
    if (mass >= settings.top_p * total) {
      break;
    }
  }
  double left = uniform(settings.seed, settings.draw) * mass;
  for (int i = 0; i + 1 < kept; i++) {
    left -= weights_[ranked_[i]];
    if (left < 0) {
      return ranked_[i];
    }
  }
  return ranked_[kept - 1];
}

// Puts at least the `count` best tokens into ranked_.
void Sampler::rank(const float* logits, int count) {
  const float least = at_most_ranked(logits, count);
  const int vocabulary = static_cast<int>(weights_.size());
  ranked_.clear();
  for (size_t group = 0; group < maxima_.size(); group++) {
    if (maxima_[group] < least) {
      continue;
    }
    const int begin = static_cast<int>(group) * kLogitGroup;
    for (int i = begin; i < std::min(vocabulary, begin + kLogitGroup); i++) {
      if (logits[i] >= least) {
        ranked_.push_back(i);
      }
    }
  }
  std::sort(ranked_.begin(), ranked_.end(),
            [logits](int32_t a, int32_t b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); });
}

// A logit that at least `count` logits reach: the count-th largest of the groups' maxima, or, where there are
// too few groups for that to be near, of the logits.
float Sampler::at_most_ranked(const float* logits, int count) {
  const bool few = count <= static_cast<int>(maxima_.size()) / 2;
  if (few) {
    selection_ = maxima_;
  } else {
    selection_.assign(logits, logits + weights_.size());
  }
  std::nth_element(selection_.begin(), selection_.begin() + count - 1, selection_.end(), std::greater<float>());
  return selection_[count - 1];
}

}  // namespace gavel
