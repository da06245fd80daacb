// Rounds the rows of a matrix so that its products change least, not its weights.
//
// With X [samples, k] typical inputs, w a row and q its rounded form, rounding to the nearest makes |q - w| least. Here
// |X (q - w)|^2 / samples + lambda |q - w|^2 is made less, by coordinate descent from the nearest integers in steps of
// one. Inputs of all prompts have much in common, and what a matrix gets wrong of that shifts every output in the same
// way. The idea is that of OPTQ (arXiv 2210.17323) and of bias correction (arXiv 1906.04721).
#pragma once

#include <cstdint>
#include <vector>

#include "support/thread_pool.h"

namespace gavel {

class Rounding {
 public:
  // To the nearest.
  Rounding() = default;

  // inputs: [samples, k]
  Rounding(const std::vector<float>& inputs, int k, ThreadPool& pool);

  // Writes k integers in [-127, 127] with row ~ scale * integers, where scale >= max|row| / 127. Thread-safe.
  void round(const float* row, int k, float scale, int8_t* integers) const;

 private:
  void refine(const float* row, float scale, int8_t* integers) const;

  int samples_ = 0;
  int k_ = 0;
  float lambda_ = 0;
  std::vector<float> rows_;     // [samples, k] inputs / sqrt(samples)
  std::vector<float> columns_;  // [k, samples] the same
  std::vector<float> gram_;     // [k, k] products of columns, lambda added on the diagonal
};

}  // namespace gavel
