// The sweeps on every device: sweep_device LIBRARY [SEED], LIBRARY a built libgavel_cuda.so.
// Ends with 77 where there is no device, after saying so.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "device_library.h"
#include "sweep.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::printf("usage: sweep_device LIBRARY [SEED]\n");
    return 2;
  }
  const gavel_cuda_table& table = open_library(argv[1]);
  int32_t devices = 0;
  table.device_count(&devices);
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
  for (int32_t d = 0; d < devices; d++) {
    gavel_cuda_device info;
    if (table.device_info(d, &info) != GAVEL_OK || table.use_device(d) != GAVEL_OK) {
      std::printf("FAILED: device %d: %s\n", d, table.error());
      return 1;
    }
    std::printf("sweeping cuda:%d, %s, compute %d.%d, driver %d, runtime %d, seed %llu\n", d, info.name, info.major,
                info.minor, info.driver_version, info.runtime_version, static_cast<unsigned long long>(seed));
    if (sweep::run(table, seed) != 0) {
      return 1;
    }
  }
  return 0;
}
