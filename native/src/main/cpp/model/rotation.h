// An orthogonal matrix that spreads outliers over all coordinates, cheap to apply: signs, then a
// Hadamard matrix on the power of two in the width and a cosine transform on what is left of it.
//
// Multiplying the residual stream by it, and its inverse into the weights around, changes nothing but
// what quantization sees (QuaRot, arXiv 2404.00456; SpinQuant, arXiv 2405.16406).
#pragma once

#include <vector>

namespace gavel {

class Rotation {
 public:
  explicit Rotation(int width);

  int width() const { return width_; }

  // x := R x. x: [width]. Thread-safe.
  void apply(float* x) const;

  // x := R^-1 x.
  void invert(float* x) const;

  // Every column of a row-major matrix [width, columns] := R column.
  void apply_to_columns(float* matrix, int columns) const;

 private:
  int width_;
  int power_;                  // largest power of two that divides the width
  int rest_;                   // width / power
  std::vector<float> signs_;   // [width]
  std::vector<float> cosine_;  // [rest, rest] orthonormal
};

// Orthonormal Hadamard matrices of `block` values each, in place on x [width]. block: power of two.
void hadamard_blocks(float* x, int width, int block);

// The largest power of two up to 64 that divides the width; 0 if that is 1.
int hadamard_block(int width);

}  // namespace gavel
