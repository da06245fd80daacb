#include "libtorch.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "libtorch_api.h"
#include "support/error.h"

namespace gavel::libtorch {

namespace {

std::mutex mutex;
Api api{};

}  // namespace

void require_ok(int32_t code, const char* what) {
  if (code != 0) {
    fail(GAVEL_INTERNAL, "libtorch: %s failed", what);
  }
}

StableValue Handle::share() const {
  Tensor copy;
  require_ok(api_.new_handle(tensor_, &copy), "new handle");
  return stable(copy);
}

Tensor matrix(const Api& of, void* data, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
              int32_t dtype, Place place) {
  const int64_t sizes[] = {rows, columns};
  const int64_t strides[] = {row_stride, column_stride};
  Tensor tensor;
  require_ok(of.from_blob(data, 2, sizes, strides, 0, dtype, place.device_type, place.device_index, &tensor),
             "from blob");
  return tensor;
}

const Api* opened() {
  const std::lock_guard<std::mutex> lock(mutex);
  return api.folder.empty() ? nullptr : &api;
}

std::string folder() {
  const Api* open_api = opened();
  return open_api == nullptr ? "" : open_api->folder;
}

void open(const char* directory) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!api.folder.empty()) {
    if (api.folder != directory) {
      fail(GAVEL_FAILED_PRECONDITION, "libtorch: expected %s, which is open already, found %s", api.folder.c_str(),
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
  resolve(library, "aoti_torch_dtype_bfloat16", api.bfloat16);
  resolve(library, "aoti_torch_dtype_float16", api.float16);
  resolve(library, "aoti_torch_dtype_float8_e4m3fn", api.float8);
  resolve(library, "aoti_torch_dtype_int8", api.int8);
  resolve(library, "aoti_torch_device_type_cpu", api.cpu);
  resolve(library, "aoti_torch_device_type_cuda", api.cuda);
  resolve(library, "aoti_torch_delete_tensor_object", api.delete_tensor);
  resolve(library, "aoti_torch_new_tensor_handle", api.new_handle);
  resolve(library, "aoti_torch_create_tensor_from_blob", api.from_blob);
  resolve(library, "aoti_torch_empty_strided", api.empty);
  resolve(library, "torch_call_dispatcher", api.call);
  resolve(library, "aoti_torch_grad_mode_set_enabled", api.set_grad_mode);
  api.set_threads = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  api.library = library;
  api.folder = directory;
}

double fastest_gemm_seconds(bool int8, int threads, int64_t m, int64_t n, int64_t k, double seconds) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (api.folder.empty()) {
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
  const Place host = {api.cpu(), 0};
  const Handle left(api, matrix(api, a.data(), m, k, k, 1, dtype, host));
  const Handle right(api, matrix(api, b.data(), k, n, 1, k, dtype, host));
  double fastest = 1e30;
  const auto start = std::chrono::steady_clock::now();
  double total = 0;
  do {
    const auto begin = std::chrono::steady_clock::now();
    StableValue stack[] = {left.share(), right.share()};
    require_ok(api.call(int8 ? "aten::_int_mm" : "aten::mm", "", stack, kAbiVersion), "matrix product");
    const Handle product(api, reinterpret_cast<Tensor>(static_cast<uintptr_t>(stack[0])));
    const auto end = std::chrono::steady_clock::now();
    fastest = std::min(fastest, std::chrono::duration<double>(end - begin).count());
    total = std::chrono::duration<double>(end - start).count();
  } while (total < seconds);
  return fastest;
}

}  // namespace gavel::libtorch
