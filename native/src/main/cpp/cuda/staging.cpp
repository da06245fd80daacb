#include "cuda/staging.h"

namespace gavel {

namespace {

constexpr size_t kAlignment = 16;  // of every array, as the kernels want it
constexpr size_t kLeast = size_t{1} << 16;

}  // namespace

void* Staging::extend(size_t bytes) {
  const size_t needed = used_ + (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (needed > host_.bytes()) {
    const std::vector<char> before(host_.data<char>(), host_.data<char>() + used_);
    host_.reserve(2 * needed + kLeast);
    std::memcpy(host_.data<char>(), before.data(), before.size());
  }
  void* begin = host_.data<char>() + used_;
  used_ = needed;
  return begin;
}

void Staging::send() {
  target_.reserve(host_.bytes());
  device_.copy(target_.data(), host_.data(), used_);
}

}  // namespace gavel
