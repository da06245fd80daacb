// A CUDA device through the function table: its stream, its memory, and its errors as ours.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gavel_cuda.h"

namespace gavel {

class Device {
 public:
  // Makes a stream on the device.
  Device(const gavel_cuda_table& functions, int32_t index);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  const gavel_cuda_table& functions() const { return functions_; }
  const gavel_cuda_device& properties() const { return properties_; }
  int32_t index() const { return index_; }
  void* stream() const { return stream_; }

  // Makes this the calling thread's device; every thread calls it before anything else.
  void use() const;

  // Turns a status of the function table into an Error that names the device.
  void require(int32_t status) const;

  // Enqueued on the stream; any direction.
  void copy(void* to, const void* from, size_t bytes) const;
  void fill(void* memory, int32_t byte, size_t bytes) const;
  // Waits for all that is enqueued, and reports what failed of it.
  void synchronize() const;

  // How often memory of this device, or pinned for it, was given up: an address from before may be no longer good.
  int64_t moves() const { return moves_; }

  // Enqueues one of the table's kernels.
  template <typename A>
  void launch(int32_t (*gavel_cuda_table::*kernel)(const A*, void*), const A& arguments) const {
    require((functions_.*kernel)(&arguments, stream_));
  }

 private:
  const gavel_cuda_table& functions_;
  const int32_t index_;
  gavel_cuda_device properties_{};
  void* stream_ = nullptr;
  mutable int64_t moves_ = 0;

  friend class DeviceMemory;
};

// Memory of a device, or of the host where a device copies from it without staging. Uninitialized.
class DeviceMemory {
 public:
  enum class Kind { kDevice, kPinned };

  explicit DeviceMemory(const Device& device, Kind kind = Kind::kDevice) : device_(device), kind_(kind) {}
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory() { release(); }

  // Makes room for at least this many bytes; the content is lost when it grows, which waits for the device.
  // True if it grew.
  bool reserve(size_t bytes);

  template <typename T = void>
  T* data() const {
    return static_cast<T*>(data_);
  }
  size_t bytes() const { return bytes_; }

 private:
  void release();

  const Device& device_;
  const Kind kind_;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace gavel
