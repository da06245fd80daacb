// Memory aligned to cache lines, uninitialized, sized once or grown without keeping its content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "support/error.h"

namespace gavel {

template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t size) { reserve(size); }
  Buffer(Buffer&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  // Makes room for at least `size` elements; the content is lost when it grows.
  void reserve(size_t size) {
    if (size <= size_) {
      return;
    }
    std::free(data_);
    data_ = nullptr;
    size_ = 0;
    // 64 bytes beyond the end may be read (never used) by vector loads of a last partial vector.
    const size_t bytes = (size * sizeof(T) + 64 + 63) / 64 * 64;
    data_ = static_cast<T*>(std::aligned_alloc(64, bytes));
    if (data_ == nullptr) {
      fail(GAVEL_RESOURCE_EXHAUSTED, "memory: expected %zu bytes, found none", bytes);
    }
    size_ = size;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace gavel
