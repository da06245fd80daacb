// The sweeps on the host's model of a device: the kernels' own source, without nvcc and without a GPU.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "device/mma.h"
#include "device/platform.h"
#include "sweep.h"

namespace {

// Of a product of e4m3 by its own instruction and by way of fp16: elements up to 4, so that both sums are exact.
bool products_agree(uint64_t seed) {
  std::mt19937_64 random(seed);
  uint32_t registers[gavel::cuda::kWarp][6];
  for (auto& lane : registers) {
    for (uint32_t& word : lane) {
      word = static_cast<uint32_t>(random()) & 0xC8C8C8C8u;
    }
  }
  bool agree = true;
  gavel::cuda::host::run({1}, gavel::cuda::kWarp, 0, [&] {
    const uint32_t* own = registers[gavel::cuda::thread_index()];
    const uint32_t a[4] = {own[0], own[1], own[2], own[3]};
    const uint32_t b[2] = {own[4], own[5]};
    float sum[4] = {1, 2, 3, 4};
    float widened[4] = {1, 2, 3, 4};
    gavel::cuda::multiply<gavel::cuda::Fp8>(sum, a, b);
    gavel::cuda::multiply_widened(widened, a, b);
    agree = agree && std::equal(sum, sum + 4, widened);
  });
  return agree;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device()();
  std::printf("sweeping the CUDA kernels on the host, seed %llu\n", static_cast<unsigned long long>(seed));
  gavel::cuda::host::seed(seed);
  if (gavel_cuda(GAVEL_CUDA_VERSION + 1) != nullptr) {
    std::printf("FAILED: expected no table of another version\n");
    return 1;
  }
  if (!products_agree(seed)) {
    std::printf("FAILED: expected the same product of e4m3 by its instruction and by way of fp16\n");
    return 1;
  }
  const int status = sweep::run(*gavel_cuda(GAVEL_CUDA_VERSION), seed);
  if (gavel::cuda::host::bank_conflicts() != 0) {
    std::printf("FAILED: expected no bank conflicts of matrix loads, found %lld\n",
                static_cast<long long>(gavel::cuda::host::bank_conflicts()));
    return 1;
  }
  return status;
}
