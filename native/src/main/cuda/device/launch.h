// Launching a kernel, and the statuses of the function table. Host code only.
#pragma once

#include <cstdarg>
#include <cstdio>

#include "device/platform.h"
#include "gavel_cuda.h"

namespace gavel::cuda {

// The calling thread's last message.
struct ErrorText {
  char text[512];
};
ErrorText& error_text();

// Keeps the message and returns the status.
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
inline int32_t
failed(int32_t status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error_text().text, sizeof(ErrorText::text), format, arguments);
  va_end(arguments);
  return status;
}

// Returns INVALID_ARGUMENT from the enclosing function unless the condition holds.
#define GAVEL_EXPECT(condition, ...)                                     \
  do {                                                                   \
    if (!(condition)) {                                                  \
      return ::gavel::cuda::failed(GAVEL_INVALID_ARGUMENT, __VA_ARGS__); \
    }                                                                    \
  } while (0)

#if defined(__CUDACC__)

inline int32_t checked(cudaError_t code, const char* what) {
  if (code == cudaSuccess) {
    return GAVEL_OK;
  }
  cudaGetLastError();  // so that the next call does not report it again
  const int32_t status = code == cudaErrorMemoryAllocation                                  ? GAVEL_RESOURCE_EXHAUSTED
                         : code == cudaErrorNoDevice || code == cudaErrorInsufficientDriver ? GAVEL_UNAVAILABLE
                                                                                            : GAVEL_INTERNAL;
  return failed(status, "cuda: %s: %s", what, cudaGetErrorString(code));
}

// An empty grid is no launch.
template <typename... P, typename... A>
int32_t launch(void (*kernel)(P...), Grid grid, int threads, size_t shared_bytes, void* stream, const A&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
    return GAVEL_OK;
  }
  if (shared_bytes > 48 * 1024) {
    const cudaError_t code =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
    if (code != cudaSuccess) {
      return checked(code, "shared memory");
    }
  }
  const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z));
  kernel<<<blocks, threads, shared_bytes, static_cast<cudaStream_t>(stream)>>>(arguments...);
  return checked(cudaGetLastError(), "launch");
}

#else

template <typename... P, typename... A>
int32_t launch(void (*kernel)(P...), Grid grid, int threads, size_t shared_bytes, void* stream, const A&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) {
    return GAVEL_OK;
  }
  return host::enqueue(stream, [=] { host::run(grid, threads, shared_bytes, [&] { kernel(arguments...); }); });
}

#endif

}  // namespace gavel::cuda
