#include "device_library.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kSkipped = 77;

[[noreturn]] void fail(const char* what, const char* detail) {
  std::printf("FAILED: %s: %s\n", what, detail);
  std::exit(1);
}

}  // namespace

const gavel_cuda_table& open_library(const char* file) {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fail("expected a library that loads, found", dlerror());
  }
  const auto entry = reinterpret_cast<const gavel_cuda_table* (*)(uint32_t)>(dlsym(library, "gavel_cuda"));
  const gavel_cuda_table* table = entry == nullptr ? nullptr : entry(GAVEL_CUDA_VERSION);
  if (table == nullptr || table->table_bytes != sizeof(gavel_cuda_table)) {
    fail("expected a function table of this version, found another", file);
  }
  int32_t devices = 0;
  if (table->device_count(&devices) != GAVEL_OK) {
    fail("devices", table->error());
  }
  if (devices == 0) {
    std::printf("skipped: expected a CUDA device, found none\n");
    std::exit(kSkipped);
  }
  return *table;
}
