// log(sum(exp(x))) over a row in pieces (online softmax, Milakov and Gimelshein, arXiv 1805.02867); NaN where a value
// is NaN or infinity.
#pragma once

#include <cmath>

namespace gavel {

// Sum of exponentials, as maximum and sum relative to it.
struct LogSum {
  float maximum;
  float sum;

  double log() const { return static_cast<double>(maximum) + std::log(static_cast<double>(sum)); }

  // The two together.
  static LogSum merge(LogSum a, LogSum b) {
    if (a.maximum < b.maximum) {
      const LogSum swap = a;
      a = b;
      b = swap;
    }
    if (b.sum == 0) {
      return a;
    }
    return {a.maximum, a.sum + b.sum * std::exp(b.maximum - a.maximum)};
  }

  static LogSum empty() { return {-INFINITY, 0}; }
};

}  // namespace gavel
