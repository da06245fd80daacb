#include "cuda/device.h"

#include "support/error.h"

namespace gavel {

Device::Device(const gavel_cuda_table& functions, int32_t index) : functions_(functions), index_(index) {
  use();
  require(functions_.device_info(index_, &properties_));
  require(functions_.create_stream(&stream_));
}

Device::~Device() {
  functions_.use_device(index_);
  functions_.release_stream(stream_);
}

void Device::use() const { require(functions_.use_device(index_)); }

void Device::require(int32_t status) const {
  if (status != GAVEL_OK) {
    fail(status, "cuda:%d: %s", index_, functions_.error());
  }
}

void Device::copy(void* to, const void* from, size_t bytes) const {
  if (bytes > 0) {
    require(functions_.copy(to, from, bytes, stream_));
  }
}

void Device::fill(void* memory, int32_t byte, size_t bytes) const {
  require(functions_.fill(memory, byte, bytes, stream_));
}

void Device::synchronize() const { require(functions_.synchronize(stream_)); }

bool DeviceMemory::reserve(size_t bytes) {
  if (bytes <= bytes_) {
    return false;
  }
  device_.synchronize();
  release();
  const gavel_cuda_table& functions = device_.functions();
  const int32_t status =
      kind_ == Kind::kDevice ? functions.allocate(bytes, &data_) : functions.allocate_pinned(bytes, &data_);
  if (status == GAVEL_RESOURCE_EXHAUSTED) {
    fail(status, "cuda:%d: memory: expected %zu bytes, found none (%s)", device_.index(), bytes,
         device_.functions().error());
  }
  device_.require(status);
  bytes_ = bytes;
  return true;
}

void DeviceMemory::release() {
  const gavel_cuda_table& functions = device_.functions();
  if (data_ != nullptr) {
    device_.moves_++;
    kind_ == Kind::kDevice ? functions.release(data_) : functions.release_pinned(data_);
  }
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace gavel
