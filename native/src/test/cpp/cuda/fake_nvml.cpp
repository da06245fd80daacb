// A driver's NVML with two GPUs, for tests of what reads it. What it says is in the file "state" beside the library,
// one GPU a line, read at every call: status memory used utilization temperature reasons, where status is the
// nvmlReturn_t of every call for the GPU. Without the file there is no driver: nvmlInit fails.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

constexpr int kSuccess = 0;
constexpr int kInvalidArgument = 2;
constexpr int kNotSupported = 3;
constexpr int kDriverNotLoaded = 9;
constexpr unsigned kMost = 2;

struct Gpu {
  int status;
  unsigned long long memory;
  unsigned long long used;
  int utilization;  // -1: not supported
  unsigned temperature;
  unsigned long long reasons;
};

struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

struct Utilization {
  unsigned gpu;
  unsigned memory;
};

struct Pci {
  char bus_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device;
  unsigned device_id;
  unsigned subsystem_id;
  char bus_id[32];
};

Gpu gpus[kMost];
char handles[kMost];  // only their addresses count

std::string state_file() {
  Dl_info info;
  dladdr(reinterpret_cast<const void*>(&state_file), &info);
  const std::string file = info.dli_fname;
  return file.substr(0, file.rfind('/') + 1) + "state";
}

// How many GPUs there are, or -1 without a driver.
int read_state() {
  std::FILE* file = std::fopen(state_file().c_str(), "r");
  if (file == nullptr) {
    return -1;
  }
  unsigned count = 0;
  while (count < kMost) {
    Gpu& gpu = gpus[count];
    if (std::fscanf(file, "%d %llu %llu %d %u %llu", &gpu.status, &gpu.memory, &gpu.used, &gpu.utilization,
                    &gpu.temperature, &gpu.reasons) != 6) {
      break;
    }
    ++count;
  }
  std::fclose(file);
  return static_cast<int>(count);
}

// The GPU of a handle and its status; a wrong handle is an invalid argument.
int find(void* handle, const Gpu** gpu) {
  const int count = read_state();
  for (int i = 0; i < count; ++i) {
    if (handle == &handles[i]) {
      *gpu = &gpus[i];
      return gpus[i].status;
    }
  }
  return kInvalidArgument;
}

int write_text(const char* text, char* out, unsigned bytes) {
  std::snprintf(out, bytes, "%s", text);
  return kSuccess;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT int nvmlInit_v2() { return read_state() < 0 ? kDriverNotLoaded : kSuccess; }
EXPORT int nvmlShutdown() { return kSuccess; }

EXPORT const char* nvmlErrorString(int status) { return status == 15 ? "GPU is lost" : "another error"; }

EXPORT int nvmlDeviceGetCount_v2(unsigned* count) {
  const int found = read_state();
  *count = found < 0 ? 0 : static_cast<unsigned>(found);
  return kSuccess;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** handle) {
  if (index >= kMost) {
    return kInvalidArgument;
  }
  *handle = &handles[index];
  return kSuccess;
}

EXPORT int nvmlDeviceGetName(void* handle, char* name, unsigned bytes) {
  const Gpu* gpu;
  const int status = find(handle, &gpu);
  return status == kSuccess ? write_text("Fake GPU", name, bytes) : status;
}

EXPORT int nvmlDeviceGetUUID(void* handle, char* uuid, unsigned bytes) {
  const Gpu* gpu;
  const int status = find(handle, &gpu);
  return status == kSuccess ? write_text(gpu == &gpus[0] ? "GPU-0" : "GPU-1", uuid, bytes) : status;
}

EXPORT int nvmlDeviceGetPciInfo_v3(void* handle, Pci* pci) {
  const Gpu* gpu;
  const int status = find(handle, &gpu);
  if (status == kSuccess) {
    std::memset(pci, 0, sizeof *pci);
    pci->bus = gpu == &gpus[0] ? 0x3b : 0xd8;
    std::snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", pci->bus);
  }
  return status;
}

EXPORT int nvmlDeviceGetMemoryInfo(void* handle, Memory* memory) {
  const Gpu* gpu;
  const int status = find(handle, &gpu);
  if (status == kSuccess) {
    *memory = {gpu->memory, gpu->memory - gpu->used, gpu->used};
  }
  return status;
}

EXPORT int nvmlDeviceGetUtilizationRates(void* handle, Utilization* utilization) {
  const Gpu* gpu;
  const int status = find(handle, &gpu);
  if (status == kSuccess && gpu->utilization < 0) {
    return kNotSupported;
  }
  if (status == kSuccess) {
    *utilization = {static_cast<unsigned>(gpu->utilization), 0};
  }
  return status;
}

EXPORT int nvmlDeviceGetTemperature(void* handle, int, unsigned* celsius) {
  const Gpu* gpu;
  const int status = find(handle, &gpu);
  if (status == kSuccess) {
    *celsius = gpu->temperature;
  }
  return status;
}

EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(void* handle, unsigned long long* reasons) {
  const Gpu* gpu;
  const int status = find(handle, &gpu);
  if (status == kSuccess) {
    *reasons = gpu->reasons;
  }
  return status;
}
