// The ceilings of a CUDA device, measured with what the engine computes with.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/device.h"
#include "cuda/products.h"

namespace gavel {

// C[m, n] = A[m, k] B[n, k]^T.
struct MeasuredProduct {
  int32_t quantization;  // one that a CUDA device takes; fp8: n and k are multiples of 16
  int32_t m;
  int32_t n;
  int32_t k;
};

// A piece of a measurement's inputs, 1 MiB: elements of a gavel_cuda_type, of magnitudes 1 to 2 and either sign. Of
// zeros a device makes products faster than of anything else.
std::vector<uint8_t> random_piece(int32_t type);

// Device time of one product or of one copy of so many bytes, of the fastest of those run in `seconds`.
double product_seconds(const Device& device, Products& products, const MeasuredProduct& product, double seconds);
double copy_seconds(const Device& device, int64_t bytes, double seconds);

}  // namespace gavel
