#include "device/launch.h"
#include "runtime.h"

namespace gavel::cuda {

namespace {

cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t event_of(void* mark) { return static_cast<cudaEvent_t>(mark); }

}  // namespace

int32_t device_count(int32_t* count) {
  int found = 0;
  const cudaError_t code = cudaGetDeviceCount(&found);
  if (code == cudaErrorNoDevice || code == cudaErrorInsufficientDriver) {
    cudaGetLastError();
    found = 0;
  } else if (code != cudaSuccess) {
    return checked(code, "device count");
  }
  *count = found;
  return GAVEL_OK;
}

int32_t device_info(int32_t device, gavel_cuda_device* info) {
  cudaDeviceProp properties;
  int32_t status = checked(cudaGetDeviceProperties(&properties, device), "device");
  if (status != GAVEL_OK) {
    return status;
  }
  *info = {};
  std::snprintf(info->name, sizeof info->name, "%s", properties.name);
  info->major = properties.major;
  info->minor = properties.minor;
  info->multiprocessors = properties.multiProcessorCount;
  info->memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  int before = 0;
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  status = checked(cudaDeviceGetPCIBusId(info->bus, sizeof info->bus, device), "device");
  if (status == GAVEL_OK) {
    status = checked(cudaGetDevice(&before), "device");
  }
  if (status == GAVEL_OK) {
    status = use_device(device);
  }
  if (status == GAVEL_OK) {
    status = checked(cudaMemGetInfo(&free_bytes, &total_bytes), "memory");
    cudaSetDevice(before);
  }
  info->free_bytes = static_cast<int64_t>(free_bytes);
  if (status == GAVEL_OK) {
    status = checked(cudaDriverGetVersion(&info->driver_version), "driver");
  }
  return status == GAVEL_OK ? checked(cudaRuntimeGetVersion(&info->runtime_version), "runtime") : status;
}

int32_t use_device(int32_t device) { return checked(cudaSetDevice(device), "device"); }

int32_t allocate(size_t bytes, void** memory) {
  *memory = nullptr;
  return bytes == 0 ? GAVEL_OK : checked(cudaMalloc(memory, bytes), "memory");
}

int32_t release(void* memory) { return checked(cudaFree(memory), "memory"); }

int32_t allocate_pinned(size_t bytes, void** memory) {
  *memory = nullptr;
  return bytes == 0 ? GAVEL_OK : checked(cudaMallocHost(memory, bytes), "pinned memory");
}

int32_t release_pinned(void* memory) { return checked(cudaFreeHost(memory), "pinned memory"); }

int32_t copy(void* to, const void* from, size_t bytes, void* stream) {
  return bytes == 0 ? GAVEL_OK
                    : checked(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_of(stream)), "copy");
}

int32_t fill(void* memory, int32_t byte, size_t bytes, void* stream) {
  return bytes == 0 ? GAVEL_OK : checked(cudaMemsetAsync(memory, byte, bytes, stream_of(stream)), "fill");
}

int32_t create_stream(void** stream) {
  cudaStream_t created = nullptr;
  const int32_t status = checked(cudaStreamCreateWithFlags(&created, cudaStreamNonBlocking), "stream");
  *stream = created;
  return status;
}

int32_t release_stream(void* stream) { return checked(cudaStreamDestroy(stream_of(stream)), "stream"); }
int32_t synchronize(void* stream) { return checked(cudaStreamSynchronize(stream_of(stream)), "work on the stream"); }

int32_t begin_graph(void* stream) {
  return checked(cudaStreamBeginCapture(stream_of(stream), cudaStreamCaptureModeThreadLocal), "graph");
}

int32_t end_graph(void* stream, void** graph) {
  *graph = nullptr;
  cudaGraph_t captured = nullptr;
  const int32_t status = checked(cudaStreamEndCapture(stream_of(stream), &captured), "graph");
  if (status != GAVEL_OK) {
    return status;
  }
  cudaGraphExec_t executable = nullptr;
  const cudaError_t code = cudaGraphInstantiate(&executable, captured, 0);
  cudaGraphDestroy(captured);
  *graph = executable;
  return checked(code, "graph");
}

int32_t launch_graph(void* graph, void* stream) {
  return checked(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), stream_of(stream)), "graph");
}

int32_t release_graph(void* graph) {
  return checked(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)), "graph");
}

int32_t create_mark(void** mark) {
  cudaEvent_t created = nullptr;
  const int32_t status = checked(cudaEventCreate(&created), "mark");
  *mark = created;
  return status;
}

int32_t record_mark(void* mark, void* stream) {
  return checked(cudaEventRecord(event_of(mark), stream_of(stream)), "mark");
}

int32_t seconds_between(void* first, void* second, double* seconds) {
  *seconds = 0;
  int32_t status = checked(cudaEventSynchronize(event_of(second)), "mark");
  float milliseconds = 0;
  if (status == GAVEL_OK) {
    status = checked(cudaEventElapsedTime(&milliseconds, event_of(first), event_of(second)), "mark");
  }
  *seconds = milliseconds * 1e-3;
  return status;
}

int32_t release_mark(void* mark) { return checked(cudaEventDestroy(event_of(mark)), "mark"); }

}  // namespace gavel::cuda
