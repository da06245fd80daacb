#include "model/rope_table.h"

#include <cmath>
#include <numbers>

namespace gavel {

namespace {

// Llama 3's stretching: long wavelengths by the factor, short ones not at all, a blend between.
double llama3(const Config& c, double frequency) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double longest = c.rope_original_positions / c.rope_low_frequency_factor;
  const double shortest = c.rope_original_positions / c.rope_high_frequency_factor;
  if (wavelength > longest) {
    return frequency / c.rope_factor;
  }
  if (wavelength < shortest) {
    return frequency;
  }
  const double blend = (c.rope_original_positions / wavelength - c.rope_low_frequency_factor) /
                       (c.rope_high_frequency_factor - c.rope_low_frequency_factor);
  return (1 - blend) * frequency / c.rope_factor + blend * frequency;
}

}  // namespace

RopeTable::RopeTable(const Config& c) : half_(c.head_dim / 2) {
  for (int i = 0; i < half_; i++) {
    double frequency = std::pow(c.rope_theta, -2.0 * i / c.head_dim);
    if (c.rope_scaling == GAVEL_ROPE_LINEAR) {
      frequency /= c.rope_factor;
    } else if (c.rope_scaling == GAVEL_ROPE_LLAMA3) {
      frequency = llama3(c, frequency);
    }
    frequencies_.push_back(static_cast<float>(frequency));
  }
}

void RopeTable::reserve(int count) {
  // Angles are rounded to fp32 as the checkpoints' own training code does.
  for (int position = static_cast<int>(cosines_.size()) / half_; position < count; position++) {
    for (int i = 0; i < half_; i++) {
      const float angle = static_cast<float>(position) * frequencies_[i];
      cosines_.push_back(static_cast<float>(std::cos(static_cast<double>(angle))));
      sines_.push_back(static_cast<float>(std::sin(static_cast<double>(angle))));
    }
  }
}

}  // namespace gavel
