#include "model/sampler.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <functional>

namespace gavel {

namespace {

constexpr int kPiece = 1024;             // weights that are summed at once
constexpr size_t kFirstCandidates = 64;  // most draws with top-p need no more; then four times as many, then all
constexpr size_t kSorted = 32;           // candidates that are sorted and not halved

// Best first.
constexpr auto kBetter = [](const auto& a, const auto& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
};

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
  if (settings.temperature == 0 || settings.top_k == 1) {
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
  const size_t vocabulary = weights_.size();
  size_t count;
  double total;
  if (settings.top_k > 0 && settings.top_k < static_cast<int>(vocabulary)) {
    count = settings.top_k;
    gather(logits, count);
    std::nth_element(candidates_.begin(), candidates_.begin() + count - 1, candidates_.end(), kBetter);
    total = weight(0, count);
  } else {
    total = total_;
    size_t least = std::min(kFirstCandidates, vocabulary);
    gather(logits, least);
    while (candidates_.size() < vocabulary && weight(0, candidates_.size()) < settings.top_p * total) {
      least = std::min(least * 4, vocabulary);
      gather(logits, least);
    }
    count = candidates_.size();
  }
  const Reach kept = reach(count, settings.top_p * total);
  const Reach drawn = reach(kept.count, uniform(settings.seed, settings.draw) * kept.weight);
  return candidates_[drawn.count - 1].token;
}

// Candidates become the `count` best tokens, and some more.
void Sampler::gather(const float* logits, size_t count) {
  // At least `count` logits reach the count-th largest of the groups' maxima.
  float least = -INFINITY;
  if (count <= maxima_.size() / 2) {
    selection_ = maxima_;
    std::nth_element(selection_.begin(), selection_.begin() + count - 1, selection_.end(), std::greater<float>());
    least = selection_[count - 1];
  }
  const int vocabulary = static_cast<int>(weights_.size());
  candidates_.clear();
  for (size_t group = 0; group < maxima_.size(); group++) {
    if (maxima_[group] < least) {
      continue;
    }
    const int begin = static_cast<int>(group) * kLogitGroup;
    for (int i = begin; i < std::min(vocabulary, begin + kLogitGroup); i++) {
      if (logits[i] >= least) {
        candidates_.push_back({logits[i], weights_[i], i});
      }
    }
  }
}

double Sampler::weight(size_t begin, size_t end) const {
  double sum = 0;
  for (size_t i = begin; i < end; i++) {
    sum += candidates_[i].weight;
  }
  return sum;
}

// How many of the first `end` candidates, from the best downwards, weigh `target` together; those then come
// first, and the last of them is in its place. Halves are set apart instead of sorting all.
Sampler::Reach Sampler::reach(size_t end, double target) {
  const auto first = candidates_.begin();
  size_t begin = 0;
  double before = 0;  // weight of those ahead of begin
  while (end - begin > kSorted) {
    const size_t middle = begin + (end - begin) / 2;
    std::nth_element(first + begin, first + middle, first + end, kBetter);
    const double half = weight(begin, middle);
    if (before + half >= target) {
      end = middle;
    } else {
      before += half;
      begin = middle;
    }
  }
  std::sort(first + begin, first + end, kBetter);
  while (begin < end) {
    before += candidates_[begin++].weight;
    if (before >= target) {
      break;
    }
  }
  return {begin, before};
}

}  // namespace gavel
