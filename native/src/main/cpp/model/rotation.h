// An orthogonal matrix that spreads outliers over all coordinates, cheap to apply: signs and a Hadamard
// matrix on the first power of two of coordinates, then the same on the last. Coordinates to keep stay
// as they are and come first.
//
// Multiplying the residual stream by it, and its inverse into the weights around, changes nothing but
// what quantization sees (QuaRot, arXiv 2404.00456; SpinQuant, arXiv 2405.16406).
#pragma once

#include <vector>

namespace gavel {

class Rotation {
 public:
  // kept: coordinates, each once
  explicit Rotation(int width, std::vector<int> kept = {});

  int width() const { return width_; }

  // How many coordinates are kept.
  int kept() const { return static_cast<int>(kept_.size()); }

  // x := R x. x: [width]. Thread-safe; allocates nothing.
  void apply(float* x) const;

  // x := R^-1 x.
  void invert(float* x) const;

 private:
  int width_;
  int power_;                 // largest power of two in the coordinates that are not kept
  std::vector<int> kept_;     // ascending
  std::vector<float> signs_;  // [2][power]
};

// Orthonormal Hadamard matrices of `block` values each, in place on x [width]. block: power of two.
void hadamard_blocks(float* x, int width, int block);

// The largest power of two up to 128 that divides the width; 0 if that is 1.
int hadamard_block(int width);

}  // namespace gavel
