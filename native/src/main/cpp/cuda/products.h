// Matrix products on a device, behind an interface: LibTorch's, or a test's own.
#pragma once

#include <cstdint>
#include <memory>

namespace gavel {

// out[r, n] = sum_k in[r, k] weight[n, k] with fp32 sums; of e4m3, times in_scales[r] weight_scales[n].
struct Product {
  int32_t type;  // GAVEL_CUDA_BF16, FP16 or FP8, of both inputs
  int32_t rows;
  int32_t columns;  // FP8: a multiple of 16, like k
  int32_t k;
  const void* in;      // [rows, k]
  const void* weight;  // [columns, k]
  void* out;           // [rows, stride], of which `columns` are written; of FP8 in bf16
  int64_t stride;
  bool fp32_out = false;            // fp32 instead; not of FP8
  const float* in_scales = {};      // [rows], FP8 only
  const float* weight_scales = {};  // [columns], FP8 only
};

class Products {
 public:
  virtual ~Products() = default;

  // Enqueues a product of at least one row on the stream. Fails with INTERNAL.
  virtual void multiply(const Product& product, void* stream) = 0;
};

}  // namespace gavel
