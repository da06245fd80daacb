#include "cuda.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>
#include <string>

#include "cuda/engine.h"
#include "cuda/group.h"
#include "cuda/nccl.h"
#include "gavel_cuda.h"
#include "libtorch.h"
#include "support/error.h"

namespace gavel::cuda {

namespace {

constexpr int kMajorLeast = 8;  // compute capability

// A library that brings its own matrix products, as that of the tests does, needs no LibTorch.
using MakeProducts = Products* (*)();

std::mutex mutex;
const gavel_cuda_table* table = nullptr;
MakeProducts make_products = nullptr;

// Where libgavel_cuda.so lies: where GAVEL_CUDA says, or beside this library.
std::string folder() {
  const char* named = std::getenv("GAVEL_CUDA");
  if (named != nullptr && *named != 0) {
    return named;
  }
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
  const std::string file = folder() + "/libgavel_cuda.so";
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
  make_products = reinterpret_cast<MakeProducts>(dlsym(library, "gavel_cuda_products"));
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

std::unique_ptr<Products> products(int32_t device) {
  return make_products == nullptr ? libtorch::products(device) : std::unique_ptr<Products>(make_products());
}

namespace {

std::unique_ptr<DeviceEngine> make(const gavel_config& config, std::shared_ptr<Collective> collective) {
  const gavel_cuda_table& functions = open(config.device_index);
  return std::make_unique<DeviceEngine>(config, functions, products(config.device_index), std::move(collective));
}

}  // namespace

std::unique_ptr<Engine> engine(const gavel_config& source) {
  const Config config(source);
  if (config.ranks <= 1) {
    return make(source, nullptr);
  }
  if (config.devices.empty()) {
    return make(source, std::make_shared<CallbackCollective>(config.all_reduce, config.all_reduce_context));
  }
  for (const int device : config.devices) {
    open(device);
  }
  return std::make_unique<GroupEngine>(source, nccl::open(folder(), libtorch::folder()), make);
}

std::string bus(int32_t device) {
  const gavel_cuda_table& functions = open(device);
  gavel_cuda_device info;
  if (functions.device_info(device, &info) != GAVEL_OK) {
    fail(GAVEL_UNAVAILABLE, "cuda:%d: expected its PCI address, found: %s", device, functions.error());
  }
  return info.bus;
}

}  // namespace gavel::cuda
