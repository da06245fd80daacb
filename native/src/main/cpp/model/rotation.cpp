#include "model/rotation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

namespace gavel {

namespace {

void hadamard(float* x, int size) {
  for (int half = 1; half < size; half *= 2) {
    for (int begin = 0; begin < size; begin += 2 * half) {
      for (int i = begin; i < begin + half; i++) {
        const float sum = x[i] + x[i + half];
        x[i + half] = x[i] - x[i + half];
        x[i] = sum;
      }
    }
  }
  const float norm = 1.0f / std::sqrt(static_cast<float>(size));
  for (int i = 0; i < size; i++) {
    x[i] *= norm;
  }
}

void multiply(float* x, const float* signs, int size) {
  for (int i = 0; i < size; i++) {
    x[i] *= signs[i];
  }
}

}  // namespace

Rotation::Rotation(int width, std::vector<int> kept)
    : width_(width),
      power_(static_cast<int>(std::bit_floor(static_cast<unsigned>(width) - kept.size()))),
      kept_(std::move(kept)) {
  std::sort(kept_.begin(), kept_.end());
  uint32_t state = 0x9E3779B9u;  // fixed, so that a model is quantized the same way every time
  for (int i = 0; i < 2 * power_; i++) {
    state = state * 1664525u + 1013904223u;
    signs_.push_back((state >> 31) != 0 ? -1.0f : 1.0f);
  }
}

void Rotation::apply(float* x) const {
  for (int i = 0; i < kept(); i++) {
    std::swap(x[i], x[kept_[i]]);
  }
  multiply(x + kept(), signs_.data(), power_);
  hadamard(x + kept(), power_);
  if (kept() + power_ < width_) {
    multiply(x + width_ - power_, signs_.data() + power_, power_);
    hadamard(x + width_ - power_, power_);
  }
}

void Rotation::invert(float* x) const {
  if (kept() + power_ < width_) {
    hadamard(x + width_ - power_, power_);
    multiply(x + width_ - power_, signs_.data() + power_, power_);
  }
  hadamard(x + kept(), power_);
  multiply(x + kept(), signs_.data(), power_);
  for (int i = kept() - 1; i >= 0; i--) {
    std::swap(x[i], x[kept_[i]]);
  }
}

void hadamard_blocks(float* x, int width, int block) {
  for (int begin = 0; begin < width && block > 1; begin += block) {
    hadamard(x + begin, block);
  }
}

int hadamard_block(int width) {
  const int block = std::min(128, width & -width);
  return block == 1 ? 0 : block;
}

}  // namespace gavel
