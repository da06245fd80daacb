// log(sum(exp(x))) in pieces, as maximum and sum relative to it (arXiv 1805.02867).
#pragma once

#include "device/reduce.h"

namespace gavel::cuda {

struct alignas(8) LogSum {
  float highest = -INFINITY;
  float total = 0;

  GAVEL_DEVICE void add(float value) { merge({value, 1.0f}); }

  GAVEL_DEVICE void merge(LogSum other) {
    if (other.highest > highest) {
      total = total * expf(highest - other.highest) + other.total;
      highest = other.highest;
    } else if (other.highest > -INFINITY) {
      total += other.total * expf(other.highest - highest);
    }
  }

  GAVEL_DEVICE float log() const { return highest + logf(total); }
};

// Of all lanes, in every lane.
GAVEL_DEVICE LogSum lanes_merge(LogSum sum) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const LogSum other{shuffle_xor(sum.highest, mask), shuffle_xor(sum.total, mask)};
    // The lower lane's comes first in both, so that both get the same bits.
    const bool lower = (thread_index() & mask) == 0;
    LogSum first = lower ? sum : other;
    first.merge(lower ? other : sum);
    sum = first;
  }
  return sum;
}

}  // namespace gavel::cuda
