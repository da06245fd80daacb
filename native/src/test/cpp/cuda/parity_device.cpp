// The engine on every device, and over several, beside the engine on the CPU: parity_device LIBRARY LIBTORCH [SEED],
// LIBRARY a built libgavel_cuda.so, LIBTORCH the folder of a LibTorch with CUDA. Ends with 77 where there is no device.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "cuda/group.h"
#include "device_library.h"
#include "gavel.h"
#include "libtorch.h"
#include "parity.h"
#include "parity_graphs.h"

namespace {

bool has_fp8(const gavel_cuda_table& table, int32_t device) {
  gavel_cuda_device info;
  return table.device_info(device, &info) == GAVEL_OK && 10 * info.major + info.minor >= 89;
}

// Models dealt out over the first two devices, and four, where there are so many.
int compare_groups(const gavel_cuda_table& table, int32_t devices, const char* libtorch, uint64_t seed) {
  const int32_t indexes[] = {0, 1, 2, 3};
  for (int ranks = 2; ranks <= std::min(devices, 4); ranks *= 2) {
    std::printf("comparing engines over %d devices, seed %llu\n", ranks, static_cast<unsigned long long>(seed));
    const auto make = [&](gavel_config config) {
      config.ranks = ranks;
      config.rank_devices = indexes;
      return std::make_unique<gavel::GroupEngine>(
          config, gavel::nccl::open("", libtorch),
          [&](const gavel_config& own, std::shared_ptr<gavel::Collective> collective) {
            return std::make_unique<gavel::DeviceEngine>(own, table, gavel::libtorch::products(own.device_index),
                                                         std::move(collective));
          });
    };
    if (parity::run(make, ranks, "", seed) != 0) {
      return 1;
    }
  }
  if (devices < 2) {
    std::printf("skipped: engines over several devices, found one device\n");
  }
  return 0;
}

}  // namespace

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
    const auto products = [d] { return gavel::libtorch::products(d); };
    const auto make = [&](gavel_config config) {
      config.device_index = d;
      return std::make_unique<gavel::DeviceEngine>(config, table, products());
    };
    if (parity::run(make, 1, GAVEL_GOLDEN, seed) != 0 ||
        parity::run_graphs({table, d, products, false, has_fp8(table, d)}, seed) != 0) {
      return 1;
    }
  }
  return compare_groups(table, devices, argv[2], seed);
}
