#include "host_products.h"

#include "device/platform.h"
#include "device/types.h"
#include "gavel_cuda.h"

namespace {

// An element of a product's input as a double.
double element(int32_t type, const void* values, int64_t index) {
  if (type == GAVEL_CUDA_FP8) {
    return static_cast<double>(gavel::cuda::to_float(static_cast<const gavel::cuda::Fp8*>(values)[index]));
  }
  const uint16_t bits = static_cast<const uint16_t*>(values)[index];
  return static_cast<double>(type == GAVEL_CUDA_FP16 ? gavel::cuda::to_float(gavel::cuda::Fp16{bits})
                                                     : gavel::cuda::to_float(gavel::cuda::Bf16{bits}));
}

void run(const gavel::Product& p) {
  const bool fp8 = p.type == GAVEL_CUDA_FP8;
  for (int64_t r = 0; r < p.rows; r++) {
    for (int64_t n = 0; n < p.columns; n++) {
      double sum = 0;
      for (int64_t i = 0; i < p.k; i++) {
        sum += element(p.type, p.in, r * p.k + i) * element(p.type, p.weight, n * p.k + i);
      }
      const auto value = static_cast<float>(fp8 ? sum * p.in_scales[r] * p.weight_scales[n] : sum);
      if (p.fp32_out) {
        static_cast<float*>(p.out)[r * p.stride + n] = value;
      } else {
        static_cast<uint16_t*>(p.out)[r * p.stride + n] = p.type == GAVEL_CUDA_FP16
                                                              ? gavel::cuda::from_float<gavel::cuda::Fp16>(value).bits
                                                              : gavel::cuda::from_float<gavel::cuda::Bf16>(value).bits;
      }
    }
  }
}

}  // namespace

void PlainProducts::multiply(const gavel::Product& product, void* stream) {
  gavel::cuda::host::enqueue(stream, [product] { run(product); });
}
