#include "cuda.h"

#include <dlfcn.h>

#include <mutex>
#include <string>

#include "gavel.h"
#include "gavel_cuda.h"
#include "support/error.h"

namespace gavel::cuda {

namespace {

constexpr int kMajorLeast = 8;  // compute capability

std::mutex mutex;
const gavel_cuda_table* table = nullptr;

// The folder that this library was loaded from.
std::string own_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&gavel_last_error), &info) == 0 || info.dli_fname == nullptr) {
    return ".";
  }
  const std::string file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

const gavel_cuda_table& load(int32_t device) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (table != nullptr) {
    return *table;
  }
  const std::string file = own_folder() + "/libgavel_cuda.so";
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fail(GAVEL_UNAVAILABLE, "cuda:%d: expected a CUDA library (./gavel build --cuda makes it), found: %s", device,
         dlerror());
  }
  const auto entry = reinterpret_cast<const gavel_cuda_table* (*)(uint32_t)>(dlsym(library, "gavel_cuda"));
  const gavel_cuda_table* found = entry == nullptr ? nullptr : entry(GAVEL_CUDA_VERSION);
  if (found == nullptr || found->table_bytes != sizeof(gavel_cuda_table)) {
    dlclose(library);
    fail(GAVEL_UNAVAILABLE, "cuda:%d: expected %s of the same build, with functions of version %d, found another",
         device, file.c_str(), GAVEL_CUDA_VERSION);
  }
  table = found;
  return *table;
}

}  // namespace

const gavel_cuda_table& open(int32_t device) {
  const gavel_cuda_table& functions = load(device);
  int32_t count = 0;
  if (functions.device_count(&count) != GAVEL_OK) {
    fail(GAVEL_UNAVAILABLE, "cuda:%d: expected a CUDA device, found: %s", device, functions.error());
  }
  if (count == 0) {
    fail(GAVEL_UNAVAILABLE, "cuda:%d: expected a CUDA device and its driver, found none", device);
  }
  if (device < 0 || device >= count) {
    fail(GAVEL_UNAVAILABLE, "cuda:%d: expected cuda:0 to cuda:%d, found no such device", device, count - 1);
  }
  gavel_cuda_device info;
  if (functions.device_info(device, &info) != GAVEL_OK) {
    fail(GAVEL_UNAVAILABLE, "cuda:%d: expected a working device, found: %s", device, functions.error());
  }
  if (info.major < kMajorLeast) {
    fail(GAVEL_UNAVAILABLE, "cuda:%d: expected compute capability %d.0 or later, found %d.%d (%s)", device, kMajorLeast,
         info.major, info.minor, info.name);
  }
  return functions;
}

}  // namespace gavel::cuda
