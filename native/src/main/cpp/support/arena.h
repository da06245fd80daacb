// Memory for what lives as long as its engine: pieces cut from large chunks, so that weights which are read
// one after the other lie one after the other, in huge pages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "support/buffer.h"

namespace gavel {

class Arena {
 public:
  // A piece of `bytes`, aligned to cache lines; 64 bytes behind it may be read. One thread at a time.
  void* take(size_t bytes) {
    const size_t size = (bytes + 64 + 63) / 64 * 64;
    if (chunks_.empty() || chunks_.back().size() - used_ < size) {
      chunks_.emplace_back(std::max(size, kChunkBytes));
      used_ = 0;
    }
    void* piece = chunks_.back().data() + used_;
    used_ += size;
    return piece;
  }

 private:
  static constexpr size_t kChunkBytes = 16 << 20;

  std::vector<Buffer<unsigned char>> chunks_;
  size_t used_ = 0;  // of the last chunk
};

// An array in an arena; uninitialized, sized once.
template <typename T>
class Array {
 public:
  void place(Arena& arena, size_t size) {
    data_ = static_cast<T*>(arena.take(size * sizeof(T)));
    size_ = size;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(T); }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace gavel
