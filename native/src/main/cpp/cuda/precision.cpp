#include "cuda/precision.h"

#include <cmath>
#include <cstring>

namespace gavel {

uint16_t to_bf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) {
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  }
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

uint16_t to_fp16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  bits &= 0x7FFFFFFFu;
  if (bits > 0x7F800000u) {
    return sign | 0x7E00u;
  }
  if (bits >= 0x477FF000u) {  // 65520, halfway between the largest and what would be next
    return sign | 0x7C00u;
  }
  if (bits < 0x38800000u) {  // subnormal: a multiple of 2^-24
    return sign | static_cast<uint16_t>(std::nearbyint(std::fabs(value) * 0x1p24f));
  }
  bits += 0xFFFu + ((bits >> 13) & 1u);
  return sign | static_cast<uint16_t>((bits >> 13) - (112u << 10));
}

}  // namespace gavel
