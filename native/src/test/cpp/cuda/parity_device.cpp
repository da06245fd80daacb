// The engine on every device beside the engine on the CPU: parity_device LIBRARY LIBTORCH [SEED], LIBRARY a built
// libgavel_cuda.so, LIBTORCH the folder of a LibTorch with CUDA. Ends with 77 where there is no device.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "device_library.h"
#include "cuda/engine.h"
#include "gavel.h"
#include "libtorch.h"
#include "parity.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::printf("usage: parity_device LIBRARY LIBTORCH [SEED]\n");
    return 2;
  }
  const gavel_cuda_table& table = open_library(argv[1]);
  if (gavel_libtorch_open(argv[2]) != GAVEL_OK) {
    std::printf("FAILED: %s\n", gavel_last_error());
    return 1;
  }
  const uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : std::random_device()();
  int32_t devices = 0;
  table.device_count(&devices);
  for (int32_t d = 0; d < devices; d++) {
    std::printf("comparing engines on cuda:%d, seed %llu\n", d, static_cast<unsigned long long>(seed));
    const auto make = [&](gavel_config config) {
      config.device_index = d;
      return std::make_unique<gavel::DeviceEngine>(config, table, gavel::libtorch::products(d));
    };
    if (parity::run(make, 1, GAVEL_GOLDEN, seed) != 0) {
      return 1;
    }
  }
  return 0;
}
