// Matrix products on a device, behind an interface: LibTorch's, or a test's own.
#pragma once

#include <cstdint>
#include <memory>

namespace gavel {

// out[r, n] = sum_k rows[r, k] weight[n, k]; bf16 with fp32 sums.
struct Product {
  int32_t rows;
  int32_t columns;
  int32_t k;
  const void* in;      // [rows, k] bf16
  const void* weight;  // [columns, k] bf16
  void* out;           // [rows, stride], of which `columns` are written
  int64_t stride;
  bool fp32_out;  // fp32 instead of bf16
};

class Products {
 public:
  virtual ~Products() = default;

  // Enqueues a product of at least one row on the stream. Fails with INTERNAL.
  virtual void multiply(const Product& product, void* stream) = 0;
};

}  // namespace gavel
