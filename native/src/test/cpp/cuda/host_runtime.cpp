// The function table's devices, memory and marks on the host: a few devices, whose memory is the process's.
#include <chrono>
#include <cstring>

#include "device/launch.h"
#include "host_stream.h"
#include "runtime.h"

namespace gavel::cuda {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int32_t kDevices = 4;

struct Mark {
  Clock::time_point at;
  void* stream = nullptr;  // null until recorded
};

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
int32_t allocate(size_t bytes, void** memory) { return host::allocate(bytes, host::Place::kDevice, memory); }
int32_t release(void* memory) { return host::release(memory); }
int32_t allocate_pinned(size_t bytes, void** memory) { return host::allocate(bytes, host::Place::kPinned, memory); }
int32_t release_pinned(void* memory) { return host::release(memory); }

int32_t create_mark(void** mark) {
  *mark = new Mark();
  return GAVEL_OK;
}

// A mark in a graph has no time of its own.
int32_t record_mark(void* handle, void* stream) {
  if (const int32_t status = host::refuse_while_recording("mark"); status != GAVEL_OK) {
    return status;
  }
  Mark* mark = static_cast<Mark*>(handle);
  mark->stream = stream;
  return host::enqueue(stream, [mark] { mark->at = Clock::now(); });
}

int32_t seconds_between(void* first, void* second, double* seconds) {
  const Mark& begin = *static_cast<Mark*>(first);
  const Mark& end = *static_cast<Mark*>(second);
  *seconds = 0;
  if (begin.stream == nullptr || end.stream == nullptr) {
    return failed(GAVEL_INTERNAL, "cuda: mark: expected one that was recorded, found another");
  }
  const int32_t status = synchronize(end.stream);
  *seconds = std::chrono::duration<double>(end.at - begin.at).count();
  return status;
}

int32_t release_mark(void* handle) {
  Mark* mark = static_cast<Mark*>(handle);
  const int32_t status = mark->stream == nullptr ? GAVEL_OK : synchronize(mark->stream);
  delete mark;
  return status;
}

}  // namespace gavel::cuda
