// LibTorch's stable C ABI: our own declarations of the few functions of it that we call.
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <string>

#include "support/error.h"

namespace gavel::libtorch {

struct AtenTensorOpaque;
using Tensor = AtenTensorOpaque*;
using StableValue = uint64_t;

constexpr uint64_t kAbiVersion = (uint64_t{2} << 56) | (uint64_t{10} << 48);

struct Api {
  void* library;
  std::string folder;
  int32_t (*float32)();
  int32_t (*bfloat16)();
  int32_t (*float16)();
  int32_t (*float8)();  // e4m3
  int32_t (*int8)();
  int32_t (*cpu)();
  int32_t (*cuda)();
  int32_t (*delete_tensor)(Tensor);
  int32_t (*new_handle)(Tensor, Tensor*);
  int32_t (*from_blob)(void*, int64_t, const int64_t*, const int64_t*, int64_t, int32_t, int32_t, int32_t, Tensor*);
  int32_t (*empty)(int64_t, const int64_t*, const int64_t*, int32_t, int32_t, int32_t, Tensor*);
  int32_t (*call)(const char*, const char*, StableValue*, uint64_t);
  void (*set_grad_mode)(bool);
  void (*set_threads)(int);  // OpenMP's, which LibTorch's kernels use; may be null
};

// Fails with INTERNAL unless the code is 0.
void require_ok(int32_t code, const char* what);

struct Place {
  int32_t device_type;
  int32_t device_index;
};

// A tensor over our memory.
Tensor matrix(const Api& api, void* data, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
              int32_t dtype, Place place);

// An optional argument: the call frees what holds it, so both sides use the same heap.
inline StableValue some(StableValue value) {
  return static_cast<StableValue>(reinterpret_cast<uintptr_t>(new StableValue(value)));
}
constexpr StableValue kNone = 0;

inline StableValue stable(Tensor tensor) { return static_cast<StableValue>(reinterpret_cast<uintptr_t>(tensor)); }

// An owned tensor handle.
class Handle {
 public:
  Handle(const Api& api, Tensor tensor) : api_(api), tensor_(tensor) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (tensor_ != nullptr) {
      api_.delete_tensor(tensor_);
    }
  }

  // A second handle of the same tensor, for a call to consume.
  StableValue share() const;

 private:
  const Api& api_;
  Tensor tensor_;
};

// The open library; null before open.
const Api* opened();

// A function of an open library by its name; fails with UNAVAILABLE where there is none.
template <typename F>
void resolve(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (function == nullptr) {
    fail(GAVEL_UNAVAILABLE, "libtorch: expected version 2.10 or later, found one without %s", name);
  }
}

}  // namespace gavel::libtorch
