#include "model/rounding.h"

#include <cmath>
#include <cstdlib>

namespace gavel {

namespace {

constexpr int kSweeps = 2;
constexpr int kMost = 127;

// Of the inputs' mean square: what they have besides the sample. With less, rounding follows the sample's accidents.
constexpr float kLambda = 0.03f;

// y += factor * x
#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
void add(float factor, const float* x, int count, float* y) {
  for (int i = 0; i < count; i++) {
    y[i] += factor * x[i];
  }
}

}  // namespace

Rounding::Rounding(const std::vector<float>& inputs, int k, ThreadPool& pool)
    : samples_(static_cast<int>(inputs.size() / k)),
      k_(k),
      rows_(inputs.size()),
      columns_(inputs.size()),
      gram_(static_cast<size_t>(k) * k) {
  const float factor = 1 / std::sqrt(static_cast<float>(samples_));
  pool.run(k, [&](int64_t i, int) {
    float* column = columns_.data() + i * samples_;
    float* products = gram_.data() + i * k;
    for (int s = 0; s < samples_; s++) {
      const float* row = inputs.data() + static_cast<int64_t>(s) * k;
      column[s] = row[i] * factor;
      rows_[static_cast<int64_t>(s) * k + i] = column[s];
      add(column[s] * factor, row, k, products);
    }
  });
  double power = 0;
  for (int64_t i = 0; i < k; i++) {
    power += gram_[i * k + i];
  }
  lambda_ = kLambda * static_cast<float>(power / k);
  for (int64_t i = 0; i < k; i++) {
    gram_[i * k + i] += lambda_;
  }
}

void Rounding::round(const float* row, int k, float scale, int8_t* integers) const {
  const float inverse = scale > 0 ? 1 / scale : 0;
  for (int i = 0; i < k; i++) {
    integers[i] = static_cast<int8_t>(std::nearbyint(row[i] * inverse));
  }
  if (samples_ > 0) {
    refine(row, scale, integers);
  }
}

void Rounding::refine(const float* row, float scale, int8_t* integers) const {
  std::vector<float> shifts(samples_);  // of every sample's output
  std::vector<float> slopes(k_);        // half of the derivative by every weight
  for (int64_t i = 0; i < k_; i++) {
    const float error = scale * static_cast<float>(integers[i]) - row[i];
    add(error, columns_.data() + i * samples_, samples_, shifts.data());
    slopes[i] = lambda_ * error;
  }
  for (int64_t s = 0; s < samples_; s++) {
    add(shifts[s], rows_.data() + s * k_, k_, slopes.data());
  }
  for (int sweep = 0; sweep < kSweeps; sweep++) {
    for (int64_t i = 0; i < k_; i++) {
      const float* products = gram_.data() + i * k_;
      const int step = slopes[i] > 0 ? -1 : 1;
      const bool pays = 2 * std::fabs(slopes[i]) > scale * products[i];
      if (pays && std::abs(integers[i] + step) <= kMost) {
        integers[i] = static_cast<int8_t>(integers[i] + step);
        add(static_cast<float>(step) * scale, products, k_, slopes.data());
      }
    }
  }
}

}  // namespace gavel
