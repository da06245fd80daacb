#include "model/rotation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace gavel {

namespace {

// Hadamard over `size` values, each of them `stride` apart.
void hadamard(float* x, int size, int stride) {
  const float norm = 1.0f / std::sqrt(static_cast<float>(size));
  for (int half = 1; half < size; half *= 2) {
    for (int i = 0; i < size; i++) {
      if ((i & half) == 0) {
        float& a = x[static_cast<size_t>(i) * stride];
        float& b = x[static_cast<size_t>(i + half) * stride];
        const float sum = a + b;
        b = a - b;
        a = sum;
      }
    }
  }
  for (int i = 0; i < size; i++) {
    x[static_cast<size_t>(i) * stride] *= norm;
  }
}

}  // namespace

Rotation::Rotation(int width) : width_(width), power_(1) {
  while (width % (2 * power_) == 0) {
    power_ *= 2;
  }
  rest_ = width / power_;
  uint32_t state = 0x9E3779B9u;  // fixed, so that a model is quantized the same way every time
  for (int i = 0; i < width; i++) {
    state = state * 1664525u + 1013904223u;
    signs_.push_back((state >> 31) != 0 ? -1.0f : 1.0f);
  }
  for (int row = 0; row < rest_; row++) {  // DCT-II
    for (int column = 0; column < rest_; column++) {
      const double scale = std::sqrt((row == 0 ? 1.0 : 2.0) / rest_);
      cosine_.push_back(
          static_cast<float>(scale * std::cos(std::numbers::pi * row * (2 * column + 1) / (2.0 * rest_))));
    }
  }
}

// x as [power, rest].
void Rotation::apply(float* x) const {
  for (int i = 0; i < width_; i++) {
    x[i] *= signs_[i];
  }
  for (int column = 0; column < rest_; column++) {
    hadamard(x + column, power_, rest_);
  }
  std::vector<float> mixed(rest_);
  for (int row = 0; row < power_ && rest_ > 1; row++) {
    float* values = x + static_cast<size_t>(row) * rest_;
    for (int i = 0; i < rest_; i++) {
      double sum = 0;
      for (int j = 0; j < rest_; j++) {
        sum += static_cast<double>(cosine_[static_cast<size_t>(i) * rest_ + j]) * values[j];
      }
      mixed[i] = static_cast<float>(sum);
    }
    std::copy(mixed.begin(), mixed.end(), values);
  }
}

void Rotation::invert(float* x) const {
  std::vector<float> mixed(rest_);
  for (int row = 0; row < power_ && rest_ > 1; row++) {
    float* values = x + static_cast<size_t>(row) * rest_;
    for (int i = 0; i < rest_; i++) {
      double sum = 0;
      for (int j = 0; j < rest_; j++) {
        sum += static_cast<double>(cosine_[static_cast<size_t>(j) * rest_ + i]) * values[j];
      }
      mixed[i] = static_cast<float>(sum);
    }
    std::copy(mixed.begin(), mixed.end(), values);
  }
  for (int column = 0; column < rest_; column++) {
    hadamard(x + column, power_, rest_);
  }
  for (int i = 0; i < width_; i++) {
    x[i] *= signs_[i];
  }
}

void Rotation::apply_to_columns(float* matrix, int columns) const {
  std::vector<float> column(width_);
  for (int c = 0; c < columns; c++) {
    for (int i = 0; i < width_; i++) {
      column[i] = matrix[static_cast<size_t>(i) * columns + c];
    }
    apply(column.data());
    for (int i = 0; i < width_; i++) {
      matrix[static_cast<size_t>(i) * columns + c] = column[i];
    }
  }
}

void hadamard_blocks(float* x, int width, int block) {
  for (int begin = 0; begin < width && block > 1; begin += block) {
    hadamard(x + begin, block, 1);
  }
}

int hadamard_block(int width) {
  int block = 1;
  while (block < 64 && width % (2 * block) == 0) {
    block *= 2;
  }
  return block == 1 ? 0 : block;
}

}  // namespace gavel
