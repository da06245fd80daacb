#include "model/tensor_table.h"

#include <algorithm>
#include <cstring>

#include "gavel.h"
#include "support/error.h"

namespace gavel {

namespace {

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t mantissa = half & 0x3FFu;
  uint32_t bits;
  if (exponent == 0) {
    const float subnormal = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -subnormal : subnormal;
  }
  if (exponent == 31) {
    bits = sign | 0x7F800000u | (mantissa << 13);
  } else {
    bits = sign | ((exponent + 112) << 23) | (mantissa << 13);
  }
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float bfloat_to_float(uint16_t bfloat) {
  const uint32_t bits = static_cast<uint32_t>(bfloat) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::string shape_text(const int64_t* shape, size_t rank) {
  std::string text = "[";
  for (size_t i = 0; i < rank; i++) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

// The share of a tensor's elements: where they lie together, there; else gathered.
const char* cut(const std::vector<int64_t>& shape, const Share& share, int element, const char* data,
                std::vector<char>& gathered) {
  int64_t outer = 1;
  for (int axis = 0; axis < share.axis; axis++) {
    outer *= shape[axis];
  }
  const int64_t stride = elements_of(shape) / outer * element;  // bytes
  const int64_t own = stride / share.count;
  const char* first = data + share.index * own;
  if (outer == 1 || share.count == 1) {
    return first;
  }
  gathered.resize(outer * own);
  for (int64_t i = 0; i < outer; i++) {
    std::memcpy(gathered.data() + i * own, first + i * stride, own);
  }
  return gathered.data();
}

}  // namespace

int dtype_bytes(int32_t dtype) { return dtype == GAVEL_F32 ? 4 : 2; }

float TensorView::at(int64_t index) const {
  const char* element = static_cast<const char*>(data) + index * dtype_bytes(dtype);
  if (dtype == GAVEL_F32) {
    float value;
    std::memcpy(&value, element, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, element, sizeof bits);
  return dtype == GAVEL_F16 ? half_to_float(bits) : bfloat_to_float(bits);
}

int64_t elements_of(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (const int64_t size : shape) {
    elements *= size;
  }
  return elements;
}

void TensorTable::declare(const std::string& name, std::vector<int64_t> shape, Fill fill, Share share) {
  slots_[name] = {std::move(shape), std::move(fill), share};
}

void TensorTable::set(const char* name, int32_t dtype, int32_t rank, const int64_t* shape, const void* data,
                      int64_t bytes) {
  GAVEL_REQUIRE(name != nullptr && shape != nullptr && data != nullptr, "tensor: expected a name, a shape and data");
  const auto found = slots_.find(name);
  GAVEL_REQUIRE(found != slots_.end(), "%s: expected a tensor of this architecture, found an unknown name", name);
  Slot& slot = found->second;
  GAVEL_REQUIRE(!slot.filled, "%s: expected once, found again", name);
  GAVEL_REQUIRE(dtype >= GAVEL_F32 && dtype <= GAVEL_BF16, "%s: expected dtype %d to %d, found %d", name, GAVEL_F32,
                GAVEL_BF16, dtype);
  const bool same = rank >= 0 && static_cast<size_t>(rank) == slot.shape.size() &&
                    std::equal(slot.shape.begin(), slot.shape.end(), shape);
  GAVEL_REQUIRE(same, "%s: expected shape %s, found %s", name, shape_text(slot.shape.data(), slot.shape.size()).c_str(),
                shape_text(shape, rank < 0 || rank > 8 ? 0 : rank).c_str());
  const int64_t elements = elements_of(slot.shape);
  GAVEL_REQUIRE(bytes == elements * dtype_bytes(dtype), "%s: expected %lld bytes, found %lld", name,
                static_cast<long long>(elements * dtype_bytes(dtype)), static_cast<long long>(bytes));
  std::vector<char> gathered;
  slot.fill({dtype, cut(slot.shape, slot.share, dtype_bytes(dtype), static_cast<const char*>(data), gathered)});
  slot.filled = true;
  parameters_ += elements;
}

void TensorTable::require_complete() const {
  size_t missing = 0;
  const std::string* first = nullptr;
  for (const auto& [name, slot] : slots_) {
    if (!slot.filled) {
      missing++;
      first = first == nullptr ? &name : first;
    }
  }
  if (missing > 0) {
    fail(GAVEL_FAILED_PRECONDITION, "%s: expected this tensor, found none (%zu of %zu are missing)", first->c_str(),
         missing, slots_.size());
  }
}

}  // namespace gavel
