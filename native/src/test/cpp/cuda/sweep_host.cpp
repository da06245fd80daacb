// The sweeps on the host's model of a device: the kernels' own source, without nvcc and without a GPU.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "device/platform.h"
#include "sweep.h"

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device()();
  std::printf("sweeping the CUDA kernels on the host, seed %llu\n", static_cast<unsigned long long>(seed));
  gavel::cuda::host::seed(seed);
  if (gavel_cuda(GAVEL_CUDA_VERSION + 1) != nullptr) {
    std::printf("FAILED: expected no table of another version\n");
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
