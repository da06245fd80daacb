#include "host_products.h"

#include <cstring>

#include "device/platform.h"

namespace {

float from_bf16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

void run(const gavel::Product& p) {
  const auto* in = static_cast<const uint16_t*>(p.in);
  const auto* weight = static_cast<const uint16_t*>(p.weight);
  for (int64_t r = 0; r < p.rows; r++) {
    for (int64_t n = 0; n < p.columns; n++) {
      float sum = 0;
      for (int64_t i = 0; i < p.k; i++) {
        sum += from_bf16(in[r * p.k + i]) * from_bf16(weight[n * p.k + i]);
      }
      if (p.fp32_out) {
        static_cast<float*>(p.out)[r * p.stride + n] = sum;
      } else {
        static_cast<uint16_t*>(p.out)[r * p.stride + n] = to_bf16(sum);
      }
    }
  }
}

}  // namespace

void PlainProducts::multiply(const gavel::Product& product, void* stream) {
  gavel::cuda::host::enqueue(stream, [product] { run(product); });
}
