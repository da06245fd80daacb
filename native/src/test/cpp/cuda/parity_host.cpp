// The engine on the host's model of a device, with plain matrix products.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "device/platform.h"
#include "parity.h"

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

class PlainProducts : public gavel::Products {
 public:
  void multiply(const gavel::Product& p, void*) override {
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
};

// A device of more multiprocessors than the model has, so that decoded rows are split over their keys.
int32_t large_device(int32_t device, gavel_cuda_device* info) {
  const int32_t status = gavel_cuda(GAVEL_CUDA_VERSION)->device_info(device, info);
  info->multiprocessors = 16;
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device()();
  std::printf("comparing engines on the host's model of a device, seed %llu\n", static_cast<unsigned long long>(seed));
  gavel::cuda::host::seed(seed);
  gavel_cuda_table table = *gavel_cuda(GAVEL_CUDA_VERSION);
  table.device_info = large_device;
  return parity::run(
      table, 0, [] { return std::make_unique<PlainProducts>(); }, GAVEL_GOLDEN, seed);
}
