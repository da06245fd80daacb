// Products of the engine on CUDA: LibTorch's, into our memory and on our stream.
#include "gavel_cuda.h"
#include "libtorch.h"
#include "libtorch_api.h"

namespace gavel::libtorch {

namespace {

struct StreamGuardOpaque;
using StreamGuard = StreamGuardOpaque*;

struct CudaApi {
  int32_t (*create_stream_guard)(void*, int32_t, StreamGuard*);
  int32_t (*delete_stream_guard)(StreamGuard);
};

// Loads LibTorch's CUDA half, which registers its operators.
CudaApi open_cuda(const Api& api, int32_t device) {
  for (const char* name : {"libc10_cuda.so", "libtorch_cuda.so"}) {
    if (dlopen((api.folder + "/" + name).c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      fail(GAVEL_UNAVAILABLE, "cuda:%d: expected a LibTorch with CUDA in %s, found: %s", device, api.folder.c_str(),
           dlerror());
    }
  }
  CudaApi cuda{};
  resolve(RTLD_DEFAULT, "aoti_torch_create_cuda_stream_guard", cuda.create_stream_guard);
  resolve(RTLD_DEFAULT, "aoti_torch_delete_cuda_stream_guard", cuda.delete_stream_guard);
  return cuda;
}

class StreamScope {
 public:
  StreamScope(const CudaApi& cuda, void* stream, int32_t device) : cuda_(cuda) {
    require_ok(cuda.create_stream_guard(stream, device, &guard_), "stream guard");
  }
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;
  ~StreamScope() { cuda_.delete_stream_guard(guard_); }

 private:
  const CudaApi& cuda_;
  StreamGuard guard_ = nullptr;
};

// Calls with operands in our memory. The dispatcher consumes its arguments and gives a handle of `out` back.
class Calls : public Products {
 public:
  Calls(const Api& api, Place place) : api_(api), place_(place) {}

  void multiply(const Product& p, void*) override {
    api_.set_grad_mode(false);
    if (p.type == GAVEL_CUDA_FP8) {
      multiply_scaled(p);
    } else {
      multiply_plain(p);
    }
  }

 protected:
  const Api& api_;
  const Place place_;

 private:
  void multiply_plain(const Product& p) const {
    const int32_t dtype = p.type == GAVEL_CUDA_FP16 ? api_.float16() : api_.bfloat16();
    const int32_t out_dtype = p.fp32_out ? api_.float32() : dtype;
    StableValue stack[4];
    int arguments = 0;
    stack[arguments++] = tensor(p.in, p.rows, p.k, p.k, 1, dtype);
    stack[arguments++] = tensor(p.weight, p.k, p.columns, 1, p.k, dtype);
    if (p.fp32_out) {
      stack[arguments++] = static_cast<StableValue>(out_dtype);
    }
    stack[arguments++] = tensor(p.out, p.rows, p.columns, p.stride, 1, out_dtype);
    call("aten::mm", p.fp32_out ? "dtype_out" : "out", stack);
  }

  // Row-wise scales are two-dimensional, and both contiguous. Without fast accumulation partial sums go to fp32 as they
  // do for bf16; with it they would stay in the matrix unit, which keeps some 14 bits.
  void multiply_scaled(const Product& p) const {
    const int32_t dtype = api_.float8();
    const int32_t scale_dtype = api_.float32();
    const int32_t out_dtype = api_.bfloat16();
    StableValue stack[] = {tensor(p.in, p.rows, p.k, p.k, 1, dtype),
                           tensor(p.weight, p.k, p.columns, 1, p.k, dtype),
                           tensor(p.in_scales, p.rows, 1, 1, 1, scale_dtype),
                           tensor(p.weight_scales, 1, p.columns, p.columns, 1, scale_dtype),
                           kNone,  // bias
                           kNone,  // scale of the result
                           some(static_cast<StableValue>(out_dtype)),
                           StableValue{0},  // use_fast_accum
                           tensor(p.out, p.rows, p.columns, p.stride, 1, out_dtype)};
    call("aten::_scaled_mm", "out", stack);
  }

  void call(const char* operation, const char* overload, StableValue* stack) const {
    require_ok(api_.call(operation, overload, stack, kAbiVersion), "matrix product");
    api_.delete_tensor(reinterpret_cast<Tensor>(static_cast<uintptr_t>(stack[0])));
  }

  StableValue tensor(const void* data, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
                     int32_t dtype) const {
    return stable(matrix(api_, const_cast<void*>(data), rows, columns, row_stride, column_stride, dtype, place_));
  }
};

class CudaProducts : public Calls {
 public:
  CudaProducts(const Api& api, int32_t device) : Calls(api, {api.cuda(), device}), cuda_(open_cuda(api, device)) {
    // LibTorch starts with the first tensor that it allocates itself, and cuBLAS wants it started.
    const int64_t one = 1;
    Tensor started;
    if (api_.empty(1, &one, &one, api_.float32(), place_.device_type, device, &started) != 0) {
      fail(GAVEL_UNAVAILABLE, "cuda:%d: expected a LibTorch that drives this device, found that %s does not", device,
           api_.folder.c_str());
    }
    api_.delete_tensor(started);
  }

  void multiply(const Product& product, void* stream) override {
    const StreamScope scope(cuda_, stream, place_.device_index);
    Calls::multiply(product, stream);
  }

 private:
  const CudaApi cuda_;
};

}  // namespace

std::unique_ptr<Products> products_on_cpu() {
  const Api* api = opened();
  if (api == nullptr) {
    fail(GAVEL_UNAVAILABLE, "cpu: expected LibTorch for matrix products, found none open");
  }
  return std::make_unique<Calls>(*api, Place{api->cpu(), 0});
}

std::unique_ptr<Products> products(int32_t device) {
  const Api* api = opened();
  if (api == nullptr) {
    fail(GAVEL_UNAVAILABLE,
         "cuda:%d: expected LibTorch for matrix products (GAVEL_LIBTORCH names the folder of libtorch_cuda.so), "
         "found none open",
         device);
  }
  return std::make_unique<CudaProducts>(*api, device);
}

}  // namespace gavel::libtorch
