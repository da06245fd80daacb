// Cosines and sines of the positions used so far.
#pragma once

#include <cstddef>
#include <vector>

#include "model/config.h"

namespace gavel {

class RopeTable {
 public:
  explicit RopeTable(const Config& config);

  // Makes positions [0, count) available.
  void reserve(int count);

  const float* cosines(int position) const { return cosines_.data() + static_cast<std::size_t>(position) * half_; }
  const float* sines(int position) const { return sines_.data() + static_cast<std::size_t>(position) * half_; }

 private:
  int half_;
  std::vector<float> frequencies_;  // [half]
  std::vector<float> cosines_;      // [positions, half]
  std::vector<float> sines_;
};

}  // namespace gavel
