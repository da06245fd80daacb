#include "libtorch.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "support/error.h"

namespace gavel::libtorch {

namespace {

// Our own declarations of the few functions of the stable C ABI that we call.
struct AtenTensorOpaque;
using Tensor = AtenTensorOpaque*;
using StableValue = uint64_t;

constexpr uint64_t kAbiVersion = (uint64_t{2} << 56) | (uint64_t{10} << 48);

struct Api {
  int32_t (*float32)();
  int32_t (*int8)();
  int32_t (*cpu)();
  int32_t (*delete_tensor)(Tensor);
  int32_t (*new_handle)(Tensor, Tensor*);
  int32_t (*from_blob)(void*, int64_t, const int64_t*, const int64_t*, int64_t, int32_t, int32_t, int32_t, Tensor*);
  int32_t (*call)(const char*, const char*, StableValue*, uint64_t);
  void (*set_grad_mode)(bool);
  void (*set_threads)(int);  // OpenMP's, which LibTorch's kernels use; may be null
};

std::mutex mutex;
Api api{};
std::string opened;  // directory, empty before open

template <typename F>
void resolve(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (function == nullptr) {
    fail(GAVEL_UNAVAILABLE, "libtorch: expected version 2.10 or later, found one without %s", name);
  }
}

void require_ok(int32_t code, const char* what) {
  if (code != 0) {
    fail(GAVEL_INTERNAL, "libtorch: %s failed", what);
  }
}

// An owned tensor handle.
class Handle {
 public:
  explicit Handle(Tensor tensor) : tensor_(tensor) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (tensor_ != nullptr) {
      api.delete_tensor(tensor_);
    }
  }
  // A second handle of the same tensor, for a call to consume.
  StableValue share() const {
    Tensor copy;
    require_ok(api.new_handle(tensor_, &copy), "new handle");
    return static_cast<StableValue>(reinterpret_cast<uintptr_t>(copy));
  }

 private:
  Tensor tensor_;
};

Tensor matrix(void* data, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride, int32_t dtype) {
  const int64_t sizes[] = {rows, columns};
  const int64_t strides[] = {row_stride, column_stride};
  Tensor tensor;
  require_ok(api.from_blob(data, 2, sizes, strides, 0, dtype, api.cpu(), 0, &tensor), "from blob");
  return tensor;
}

}  // namespace

void open(const char* directory) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!opened.empty()) {
    if (opened != directory) {
      fail(GAVEL_FAILED_PRECONDITION, "libtorch: expected %s, which is open already, found %s", opened.c_str(),
           directory);
    }
    return;
  }
  const std::string folder = directory;
  // The Maven jars keep OpenBLAS apart and carry no run path: what lies beside LibTorch is loaded first.
  for (const char* name :
       {"libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0", "libgomp.so.1", "libc10.so"}) {
    dlopen((folder + "/" + name).c_str(), RTLD_NOW | RTLD_GLOBAL);
  }
  void* library = dlopen((folder + "/libtorch_cpu.so").c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    fail(GAVEL_UNAVAILABLE, "libtorch: expected libtorch_cpu.so that loads in %s, found: %s", directory, dlerror());
  }
  resolve(library, "aoti_torch_dtype_float32", api.float32);
  resolve(library, "aoti_torch_dtype_int8", api.int8);
  resolve(library, "aoti_torch_device_type_cpu", api.cpu);
  resolve(library, "aoti_torch_delete_tensor_object", api.delete_tensor);
  resolve(library, "aoti_torch_new_tensor_handle", api.new_handle);
  resolve(library, "aoti_torch_create_tensor_from_blob", api.from_blob);
  resolve(library, "torch_call_dispatcher", api.call);
  resolve(library, "aoti_torch_grad_mode_set_enabled", api.set_grad_mode);
  api.set_threads = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  opened = directory;
}

double fastest_gemm_seconds(bool int8, int threads, int64_t m, int64_t n, int64_t k, double seconds) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (opened.empty()) {
    fail(GAVEL_FAILED_PRECONDITION, "libtorch: expected to be open, found it closed");
  }
  api.set_grad_mode(false);
  if (api.set_threads != nullptr) {
    api.set_threads(threads);
  }
  const int32_t dtype = int8 ? api.int8() : api.float32();
  const size_t element = int8 ? 1 : sizeof(float);
  std::vector<char> a(m * k * element, 0);
  std::vector<char> b(n * k * element, 0);
  const Handle left(matrix(a.data(), m, k, k, 1, dtype));
  const Handle right(matrix(b.data(), k, n, 1, k, dtype));
  double fastest = 1e30;
  const auto start = std::chrono::steady_clock::now();
  double total = 0;
  do {
    const auto begin = std::chrono::steady_clock::now();
    StableValue stack[] = {left.share(), right.share()};
    require_ok(api.call(int8 ? "aten::_int_mm" : "aten::mm", "", stack, kAbiVersion), "matrix product");
    const Handle product(reinterpret_cast<Tensor>(static_cast<uintptr_t>(stack[0])));
    const auto end = std::chrono::steady_clock::now();
    fastest = std::min(fastest, std::chrono::duration<double>(end - begin).count());
    total = std::chrono::duration<double>(end - start).count();
  } while (total < seconds);
  return fastest;
}

}  // namespace gavel::libtorch
