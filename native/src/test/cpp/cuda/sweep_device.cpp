// The sweeps on a device: sweep_device LIBRARY [SEED], LIBRARY a built libgavel_cuda.so.
// Ends with 77 where there is no device, after saying so.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "sweep.h"

namespace {

constexpr int kSkipped = 77;

const gavel_cuda_table* open(const char* library) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    std::printf("FAILED: expected a library that loads, found: %s\n", dlerror());
    return nullptr;
  }
  const auto entry = reinterpret_cast<const gavel_cuda_table* (*)(uint32_t)>(dlsym(handle, "gavel_cuda"));
  const gavel_cuda_table* found = entry == nullptr ? nullptr : entry(GAVEL_CUDA_VERSION);
  if (found == nullptr || found->table_bytes != sizeof(gavel_cuda_table)) {
    std::printf("FAILED: expected %s to have a function table of version %d\n", library, GAVEL_CUDA_VERSION);
    return nullptr;
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::printf("usage: sweep_device LIBRARY [SEED]\n");
    return 2;
  }
  const gavel_cuda_table* table = open(argv[1]);
  if (table == nullptr) {
    return 1;
  }
  int32_t devices = 0;
  if (table->device_count(&devices) != GAVEL_OK) {
    std::printf("FAILED: devices: %s\n", table->error());
    return 1;
  }
  if (devices == 0) {
    std::printf("skipped: expected a CUDA device, found none\n");
    return kSkipped;
  }
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
  for (int32_t d = 0; d < devices; d++) {
    gavel_cuda_device info;
    if (table->device_info(d, &info) != GAVEL_OK || table->use_device(d) != GAVEL_OK) {
      std::printf("FAILED: device %d: %s\n", d, table->error());
      return 1;
    }
    std::printf("sweeping cuda:%d, %s, compute %d.%d, driver %d, runtime %d, seed %llu\n", d, info.name, info.major,
                info.minor, info.driver_version, info.runtime_version, static_cast<unsigned long long>(seed));
    if (sweep::run(*table, seed) != 0) {
      return 1;
    }
  }
  return 0;
}
