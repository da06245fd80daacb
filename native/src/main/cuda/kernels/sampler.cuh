// One token from a row of logits: temperature, top-k, top-p and a seeded draw in one launch; see
// gavel_cuda_sampler and model/sampler.h, whose definition this is.
//
// Nothing is sorted. A token's key orders the vocabulary best first: the logit's bits turned so that they
// descend, then the token. "The first token in that order at which a cumulative count or weight reaches a
// target" is found by a histogram of 1,024 bins over a range of keys, narrowed to the bin that holds the
// answer; top-k, top-p and the draw are three such searches. As soon as the tokens that can still be chosen fit,
// they are gathered in shared memory and the row is not read again.
//
// Weights are 64-bit fixed point with 40 bits behind the point, so every sum is exact whatever the order in which
// threads add; a draw depends on its row, seed and number only. A search ends because some token reaches its target:
// the target is a part of a sum of the same weights. Of NaN there are none, so a row with one is not searched.
#pragma once

#include <cfloat>

#include "device/philox.h"
#include "device/reduce.h"
#include "device/types.h"
#include "gavel_cuda.h"

namespace gavel::cuda {

constexpr int kSamplerThreads = 1024;
constexpr int kSamplerWarps = kSamplerThreads / kWarp;
constexpr int kBins = kSamplerThreads;  // a thread scans one
constexpr int kGathered = 4096;         // keys kept in shared memory
constexpr float kFirstRange = 16;       // of the first histogram below the best logit, in units of the temperature

// Best first: a lower key is a better token.
GAVEL_HOST_DEVICE uint64_t token_key(float logit, uint32_t token) {
  const uint32_t bits = float_bits(logit + 0.0f);  // -0 becomes 0
  const uint32_t ascending = bits ^ ((bits & 0x80000000u) != 0 ? 0xFFFFFFFFu : 0x80000000u);
  return static_cast<uint64_t>(~ascending) << 32 | token;
}

GAVEL_HOST_DEVICE float key_logit(uint64_t key) {
  const uint32_t ascending = ~static_cast<uint32_t>(key >> 32);
  return bits_float(ascending ^ ((ascending & 0x80000000u) != 0 ? 0x80000000u : 0xFFFFFFFFu));
}

struct SamplerShared {
  uint64_t bin_weights[kBins];
  int bin_counts[kBins];
  uint64_t gathered[kGathered];
  uint64_t warp_weights[kSamplerWarps];
  int warp_counts[kSamplerWarps];
  float warp_floats[kSamplerWarps];
  uint64_t key;  // found
  int bin;       // found, or -1
  int bin_count;
  int before_count;  // of the bins before it, or of all bins
  uint64_t before_weight;
  int gathered_count;
};

// Sums a target is measured in.
enum class Measure { kCount, kWeight };

struct FoundToken {
  uint64_t key;
  uint64_t weight;  // cumulative, the token's own included
};

template <typename T>
struct RowSampler {
  const T* logits;
  const int vocabulary;
  const float inverse_temperature;
  SamplerShared& shared;
  uint64_t best = 0;  // key
  int gathered = -1;  // keys in shared memory, or -1: the row is read

  GAVEL_DEVICE float logit(int token) const {
    if constexpr (sizeof(T) == 4) {
      return logits[token];
    } else {
      return to_float(logits[token]);
    }
  }

  GAVEL_DEVICE uint64_t weight(float value) const {
    const float x = expf((value - key_logit(best)) * inverse_temperature);
    return static_cast<uint64_t>(x * 0x1p40f);
  }

  // body(key) for each token that can still be chosen, over the block.
  template <typename F>
  GAVEL_DEVICE void for_each(const F& body) const {
    if (gathered >= 0) {
      for (int i = thread_index(); i < gathered; i += kSamplerThreads) {
        body(shared.gathered[i]);
      }
      return;
    }
    GAVEL_UNROLL_BY(4)
    for (int token = thread_index(); token < vocabulary; token += kSamplerThreads) {
      body(token_key(logit(token), static_cast<uint32_t>(token)));
    }
  }

  GAVEL_DEVICE void find_best() {
    uint64_t lowest = ~0ull;
    for_each([&](uint64_t key) { lowest = key < lowest ? key : lowest; });
    for (int mask = kWarp / 2; mask > 0; mask /= 2) {
      const uint64_t other = shuffle_xor(lowest, mask);
      lowest = other < lowest ? other : lowest;
    }
    if (thread_index() % kWarp == 0) {
      shared.warp_weights[thread_index() / kWarp] = lowest;
    }
    block_barrier();
    best = shared.warp_weights[0];
    for (int w = 1; w < kSamplerWarps; w++) {
      best = shared.warp_weights[w] < best ? shared.warp_weights[w] : best;
    }
    block_barrier();
  }

  // Logarithm of the sum of exponentials at temperature 1, relative to the best logit: 0 or more, and NaN where the
  // row has no distribution.
  GAVEL_DEVICE float log_sum() const {
    const float highest = key_logit(best);
    float sum = 0;
    GAVEL_UNROLL_BY(4)
    for (int token = thread_index(); token < vocabulary; token += kSamplerThreads) {
      sum += expf(logit(token) - highest);
    }
    sum = lanes_sum(sum);
    if (thread_index() % kWarp == 0) {
      shared.warp_floats[thread_index() / kWarp] = sum;
    }
    block_barrier();
    sum = 0;
    for (int w = 0; w < kSamplerWarps; w++) {
      sum += shared.warp_floats[w];
    }
    block_barrier();
    return logf(sum);
  }

  // Weights of a warp's share of the vocabulary, which is one piece.
  GAVEL_DEVICE int piece_begin(int warp) const {
    return static_cast<int>(static_cast<int64_t>(vocabulary) * warp / kSamplerWarps);
  }

  // In the order of the tokens. Leaves the warps' sums in shared memory.
  GAVEL_DEVICE uint64_t total_weight() const {
    const int warp = thread_index() / kWarp;
    uint64_t sum = 0;
    GAVEL_UNROLL_BY(4)
    for (int token = piece_begin(warp) + thread_index() % kWarp; token < piece_begin(warp + 1); token += kWarp) {
      sum += weight(logit(token));
    }
    for (int mask = kWarp / 2; mask > 0; mask /= 2) {
      sum += shuffle_xor(sum, mask);
    }
    if (thread_index() % kWarp == 0) {
      shared.warp_weights[warp] = sum;
    }
    block_barrier();
    uint64_t total = 0;
    for (int w = 0; w < kSamplerWarps; w++) {
      total += shared.warp_weights[w];
    }
    return total;
  }

  // The first token, in the order of tokens, at which the cumulative weight reaches the target. After
  // total_weight.
  GAVEL_DEVICE uint64_t draw_from_all(uint64_t target) const {
    const int warp = thread_index() / kWarp;
    const int lane = thread_index() % kWarp;
    uint64_t before = 0;
    for (int w = 0; w < warp; w++) {
      before += shared.warp_weights[w];
    }
    if (before < target && before + shared.warp_weights[warp] >= target) {  // one warp
      bool found = false;
      for (int first = piece_begin(warp); !found; first += kWarp) {
        const int token = first + lane;
        const uint64_t own = token < piece_begin(warp + 1) ? weight(logit(token)) : 0;
        uint64_t scan = own;
        for (int by = 1; by < kWarp; by *= 2) {
          const uint64_t below = shuffle_up(scan, by);
          scan += lane >= by ? below : 0;
        }
        const bool reaches = before + scan >= target;
        found = ballot(reaches) != 0;
        if (reaches && before + scan - own < target) {
          shared.key = token_key(logit(token), static_cast<uint32_t>(token));
        }
        before += shuffle_from(scan, kWarp - 1);
      }
    }
    block_barrier();
    return shared.key;
  }

  GAVEL_DEVICE void histogram(uint64_t low, int shift) const {
    shared.bin_weights[thread_index()] = 0;
    shared.bin_counts[thread_index()] = 0;
    block_barrier();
    for_each([&](uint64_t key) {
      if (key >= low && (key - low) >> shift < kBins) {
        const int bin = static_cast<int>((key - low) >> shift);
        atomic_add(&shared.bin_counts[bin], 1);
        atomic_add(&shared.bin_weights[bin], weight(key_logit(key)));
      }
    });
    block_barrier();
  }

  // The first bin at which what lies before the range and the bins together reach the target: shared.bin, or -1.
  GAVEL_DEVICE void scan_bins(Measure measure, uint64_t target, int before_count, uint64_t before_weight) const {
    const int lane = thread_index() % kWarp;
    const int warp = thread_index() / kWarp;
    const int own_count = shared.bin_counts[thread_index()];
    const uint64_t own_weight = shared.bin_weights[thread_index()];
    int count = own_count;
    uint64_t sum = own_weight;
    for (int by = 1; by < kWarp; by *= 2) {
      const int count_below = shuffle_up(count, by);
      const uint64_t sum_below = shuffle_up(sum, by);
      count += lane >= by ? count_below : 0;
      sum += lane >= by ? sum_below : 0;
    }
    if (lane == kWarp - 1) {
      shared.warp_counts[warp] = count;
      shared.warp_weights[warp] = sum;
    }
    if (thread_index() == 0) {
      shared.bin = -1;
    }
    block_barrier();
    count += before_count;
    sum += before_weight;
    for (int w = 0; w < warp; w++) {
      count += shared.warp_counts[w];
      sum += shared.warp_weights[w];
    }
    const uint64_t reached = measure == Measure::kCount ? static_cast<uint64_t>(count) : sum;
    const uint64_t own = measure == Measure::kCount ? static_cast<uint64_t>(own_count) : own_weight;
    if (reached >= target && reached - own < target) {
      shared.bin = thread_index();
      shared.bin_count = own_count;
      shared.before_count = count - own_count;
      shared.before_weight = sum - own_weight;
    }
    block_barrier();
    if (shared.bin < 0 && thread_index() == kBins - 1) {  // beyond this range
      shared.before_count = count;
      shared.before_weight = sum;
    }
    block_barrier();
  }

  // Keys below `end` into shared memory.
  GAVEL_DEVICE void gather(uint64_t end) {
    if (thread_index() == 0) {
      shared.gathered_count = 0;
    }
    block_barrier();
    for_each([&](uint64_t key) {
      if (key < end) {
        shared.gathered[atomic_add(&shared.gathered_count, 1)] = key;
      }
    });
    block_barrier();
    gathered = shared.gathered_count;
  }

  // The one key in [low, low + 2^shift).
  GAVEL_DEVICE uint64_t only_key(uint64_t low, int shift) const {
    for_each([&](uint64_t key) {
      if (key >= low && (key - low) >> shift == 0) {
        shared.key = key;
      }
    });
    block_barrier();
    const uint64_t key = shared.key;
    block_barrier();
    return key;
  }

  // Least shift that puts a span of keys into the bins.
  GAVEL_DEVICE static int shift_for(uint64_t span) {
    int shift = 0;
    while (span >> shift >= kBins) {
      shift++;
    }
    return shift;
  }

  // The first token, best first, at which the cumulative measure reaches the target, which some token does.
  GAVEL_DEVICE FoundToken search(Measure measure, uint64_t target) {
    uint64_t low = best & ~0xFFFFFFFFull;
    int shift = shift_for(token_key(key_logit(best) - kFirstRange / inverse_temperature, 0xFFFFFFFFu) - low);
    int before_count = 0;
    uint64_t before_weight = 0;
    for (;;) {
      histogram(low, shift);
      scan_bins(measure, target, before_count, before_weight);
      before_count = shared.before_count;
      before_weight = shared.before_weight;
      const int bin = shared.bin;
      const int bin_count = shared.bin_count;
      block_barrier();
      if (bin < 0) {
        low += static_cast<uint64_t>(kBins) << shift;
        shift = shift_for(~0ull - low);
        continue;
      }
      low += static_cast<uint64_t>(bin) << shift;
      if (gathered < 0 && before_count + bin_count <= kGathered) {
        gather(low + (1ull << shift));
      }
      if (shift == 0 || bin_count == 1) {
        const uint64_t key = shift == 0 ? low : only_key(low, shift);
        return {key, before_weight + weight(key_logit(key))};
      }
      shift = shift > 10 ? shift - 10 : 0;
    }
  }
};

// ceil or floor + 1 of a part of a sum, within 1 and the sum.
GAVEL_DEVICE uint64_t part_of(double part, uint64_t sum, bool strictly_above) {
  const double exact = part * static_cast<double>(sum);
  const uint64_t target = strictly_above ? static_cast<uint64_t>(exact) + 1 : static_cast<uint64_t>(ceil(exact));
  return target < 1 ? 1 : target > sum ? sum : target;
}

template <typename T>
GAVEL_KERNEL(kSamplerThreads)
sampler_kernel(const gavel_cuda_sampler args) {
  const int row = block_x();
  const float temperature = args.temperatures[row];
  const int top_k = args.top_ks[row];
  const float top_p = args.top_ps[row];
  RowSampler<T> sampler{static_cast<const T*>(args.logits) + static_cast<int64_t>(row) * args.stride, args.vocabulary,
                        fminf(1.0f / temperature, FLT_MAX), *static_cast<SamplerShared*>(shared_memory())};
  sampler.find_best();
  const float log_sum = sampler.log_sum();
  const bool drawable = log_sum >= 0;
  uint64_t key = sampler.best;
  if (drawable && temperature > 0 && top_k != 1) {
    const double uniform =
        philox_uniform(static_cast<uint64_t>(args.seeds[row]), static_cast<uint32_t>(args.draws[row]));
    const bool some = top_k > 0 && top_k < args.vocabulary;
    uint64_t kept = some ? 0 : sampler.total_weight();
    if (!some && top_p >= 1) {
      key = sampler.draw_from_all(part_of(uniform, kept, true));
    } else {
      block_barrier();  // before the searches reuse what total_weight left
      if (some) {
        kept = sampler.search(Measure::kCount, static_cast<uint64_t>(top_k)).weight;
      }
      if (top_p < 1) {
        kept = sampler.search(Measure::kWeight, part_of(static_cast<double>(top_p), kept, false)).weight;
      }
      key = sampler.search(Measure::kWeight, part_of(uniform, kept, true)).key;
    }
  }
  if (thread_index() == 0) {
    args.tokens[row] = drawable ? static_cast<int32_t>(key & 0xFFFFFFFFull) : -1;
    args.log_probabilities[row] = key_logit(key) - key_logit(sampler.best) - log_sum;
  }
}

}  // namespace gavel::cuda
