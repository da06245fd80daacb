// What the host sends to a device in a batch: many small arrays, gathered in pinned memory and sent with one copy.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "cuda/device.h"

namespace gavel {

// Where an array lies in the staged memory.
template <typename T>
struct Staged {
  size_t offset = 0;
  int32_t count = 0;
};

class Staging {
 public:
  explicit Staging(const Device& device)
      : device_(device), host_(device, DeviceMemory::Kind::kPinned), target_(device) {}

  // Begins a new batch; the one before must have been waited for.
  void clear() { used_ = 0; }

  template <typename T>
  Staged<T> add(const std::vector<T>& values) {
    return add(values, static_cast<int32_t>(values.size()), {});
  }

  // The values and behind them as many fillers as make `count` of them.
  template <typename T>
  Staged<T> add(const std::vector<T>& values, int32_t count, std::type_identity_t<T> filler) {
    const Staged<T> staged = {used_, count};
    T* to = static_cast<T*>(extend(count * sizeof(T)));
    std::fill(std::copy(values.begin(), values.end(), to), to + count, filler);
    return staged;
  }

  // Enqueues the copy.
  void send();

  // The array on the device; valid after send.
  template <typename T>
  const T* at(const Staged<T>& staged) const {
    return reinterpret_cast<const T*>(target_.data<char>() + staged.offset);
  }

  int64_t bytes() const { return static_cast<int64_t>(target_.bytes()); }

 private:
  // Room for so many bytes more; what was added before is kept.
  void* extend(size_t bytes);

  const Device& device_;
  DeviceMemory host_;
  DeviceMemory target_;
  size_t used_ = 0;
};

}  // namespace gavel
