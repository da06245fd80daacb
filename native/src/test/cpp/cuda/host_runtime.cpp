// The function table's devices, memory and streams on the host: a few devices, whose memory is the process's, where
// every call is done when it returns. A graph is a list of nothing, since what is enqueued has run.
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "runtime.h"

namespace gavel::cuda {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int32_t kDevices = 4;
constexpr size_t kAlignment = 256;
int token;  // what streams and graphs point at

int32_t allocate_aligned(size_t bytes, void** memory) {
  *memory = bytes == 0 ? nullptr : std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  return bytes == 0 || *memory != nullptr ? GAVEL_OK : GAVEL_RESOURCE_EXHAUSTED;
}

}  // namespace

int32_t device_count(int32_t* count) {
  *count = kDevices;
  return GAVEL_OK;
}

int32_t device_info(int32_t, gavel_cuda_device* info) {
  *info = {};
  std::strcpy(info->name, "host model");
  info->major = 8;
  info->multiprocessors = 1;
  std::strcpy(info->bus, "0000:00:00.0");
  return GAVEL_OK;
}

int32_t use_device(int32_t) { return GAVEL_OK; }
int32_t allocate(size_t bytes, void** memory) { return allocate_aligned(bytes, memory); }
int32_t release(void* memory) {
  std::free(memory);
  return GAVEL_OK;
}
int32_t allocate_pinned(size_t bytes, void** memory) { return allocate_aligned(bytes, memory); }
int32_t release_pinned(void* memory) { return release(memory); }
int32_t copy(void* to, const void* from, size_t bytes, void*) {
  std::memmove(to, from, bytes);
  return GAVEL_OK;
}
int32_t fill(void* memory, int32_t byte, size_t bytes, void*) {
  std::memset(memory, byte, bytes);
  return GAVEL_OK;
}
int32_t create_stream(void** stream) {
  *stream = &token;
  return GAVEL_OK;
}
int32_t release_stream(void*) { return GAVEL_OK; }
int32_t synchronize(void*) { return GAVEL_OK; }
int32_t begin_graph(void*) { return GAVEL_OK; }
int32_t end_graph(void*, void** graph) {
  *graph = &token;
  return GAVEL_OK;
}
int32_t launch_graph(void*, void*) { return GAVEL_OK; }
int32_t release_graph(void*) { return GAVEL_OK; }
int32_t create_mark(void** mark) {
  *mark = new Clock::time_point();
  return GAVEL_OK;
}
int32_t record_mark(void* mark, void*) {
  *static_cast<Clock::time_point*>(mark) = Clock::now();
  return GAVEL_OK;
}
int32_t seconds_between(void* first, void* second, double* seconds) {
  *seconds =
      std::chrono::duration<double>(*static_cast<Clock::time_point*>(second) - *static_cast<Clock::time_point*>(first))
          .count();
  return GAVEL_OK;
}
int32_t release_mark(void* mark) {
  delete static_cast<Clock::time_point*>(mark);
  return GAVEL_OK;
}

}  // namespace gavel::cuda
