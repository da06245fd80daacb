// Room for quantized rows, grown to the largest count asked for.
#pragma once

#include "kernels/gemm_int8.h"
#include "support/buffer.h"

namespace gavel {

class Int8Buffer {
 public:
  void reserve(int count, const Int8Inputs& inputs, const Int8Layout& layout) {
    packed_.reserve(static_cast<size_t>(count) * layout.dwords(inputs));
    scales_.reserve(count);
    sums_.reserve(count);
    outliers_.reserve(static_cast<size_t>(count) * inputs.outliers);
  }

  Int8Rows rows() { return {packed_.data(), scales_.data(), sums_.data(), outliers_.data()}; }

  size_t bytes() const { return packed_.bytes() + scales_.bytes() + sums_.bytes() + outliers_.bytes(); }

 private:
  Buffer<int32_t> packed_;
  Buffer<float> scales_;
  Buffer<int32_t> sums_;
  Buffer<float> outliers_;
};

}  // namespace gavel
