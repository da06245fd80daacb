// Element types and their conversions, all rounding to nearest even.
#pragma once

#include <cmath>

#include "device/platform.h"

namespace gavel::cuda {

struct Bf16 {
  uint16_t bits;
};
struct Fp16 {
  uint16_t bits;
};
// e4m3: 4 bits of exponent, 3 of mantissa, no infinity; 448 is the largest.
struct Fp8 {
  uint8_t bits;
};
using Int8 = int8_t;

template <typename T>
constexpr bool kIsBf16 = false;
template <>
inline constexpr bool kIsBf16<Bf16> = true;

// 16 bytes, the unit of every global access.
struct alignas(16) Chunk {
  uint32_t words[4];
};
constexpr int kChunk = 8;  // 16-bit elements in a chunk

GAVEL_HOST_DEVICE uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

GAVEL_HOST_DEVICE float bits_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

GAVEL_HOST_DEVICE float to_float(Bf16 x) { return bits_float(static_cast<uint32_t>(x.bits) << 16); }

GAVEL_HOST_DEVICE float to_float(Fp16 x) {
#if defined(__CUDA_ARCH__)
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
#else
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16;
  const uint32_t rest = x.bits & 0x7FFFu;
  if (rest >= 0x7C00u) {  // infinity, NaN
    return bits_float(sign | 0x7F800000u | (rest & 0x3FFu) << 13);
  }
  if (rest < 0x400u) {  // a multiple of 2^-24
    const float magnitude = static_cast<float>(rest) * 0x1p-24f;
    return bits_float(sign | float_bits(magnitude));
  }
  return bits_float(sign | ((rest << 13) + (112u << 23)));
#endif
}

template <typename T>
GAVEL_HOST_DEVICE T from_float(float x);

template <>
GAVEL_HOST_DEVICE Bf16 from_float<Bf16>(float x) {
#if defined(__CUDA_ARCH__)
  Bf16 y;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
#else
  const uint32_t bits = float_bits(x);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) {
    return {0x7FFF};
  }
  return {static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16)};
#endif
}

template <>
GAVEL_HOST_DEVICE Fp16 from_float<Fp16>(float x) {
#if defined(__CUDA_ARCH__)
  Fp16 y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
#else
  const uint32_t bits = float_bits(x);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t rest = bits & 0x7FFFFFFFu;
  if (rest > 0x7F800000u) {
    return {0x7FFF};
  }
  if (rest >= 0x477FF000u) {  // 65520 and more round to infinity
    return {static_cast<uint16_t>(sign | 0x7C00u)};
  }
  if (rest < 0x38800000u) {  // below 2^-14: a multiple of 2^-24
    return {static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(bits_float(rest) * 0x1p24f)))};
  }
  return {static_cast<uint16_t>(sign | ((rest - (112u << 23) + 0xFFFu + ((rest >> 13) & 1u)) >> 13))};
#endif
}

// Saturates at 448, as FP8 matrix products expect it.
template <>
GAVEL_HOST_DEVICE Fp8 from_float<Fp8>(float x) {
  const uint32_t bits = float_bits(x);
  const uint8_t sign = static_cast<uint8_t>((bits >> 24) & 0x80u);
  const uint32_t rest = bits & 0x7FFFFFFFu;
  if (rest > 0x7F800000u) {
    return {0x7F};
  }
  if (rest >= 0x43E00000u) {  // 448
    return {static_cast<uint8_t>(sign | 0x7Eu)};
  }
  if (rest < 0x3C800000u) {  // below 2^-6: a multiple of 2^-9
    return {static_cast<uint8_t>(sign | static_cast<uint8_t>(rintf(bits_float(rest) * 512.0f)))};
  }
  return {static_cast<uint8_t>(sign | ((rest - (120u << 23) + 0x7FFFFu + ((rest >> 20) & 1u)) >> 20))};
}

template <>
GAVEL_HOST_DEVICE Int8 from_float<Int8>(float x) {
  return static_cast<Int8>(rintf(x < -127.0f ? -127.0f : x > 127.0f ? 127.0f : x));
}

GAVEL_HOST_DEVICE float to_float(Fp8 x) {
  const uint32_t rest = x.bits & 0x7Fu;
  const float magnitude = rest == 0x7Fu ? bits_float(0x7FC00000u)
                          : rest < 8u   ? static_cast<float>(rest) * (1.0f / 512)
                                        : bits_float((rest << 20) + (120u << 23));
  return (x.bits & 0x80u) != 0 ? -magnitude : magnitude;
}

GAVEL_HOST_DEVICE float to_float(Int8 x) { return static_cast<float>(x); }

// Two elements in a word, the first in the lower half.
template <typename T>
GAVEL_HOST_DEVICE uint32_t pack(float first, float second) {
  return static_cast<uint32_t>(from_float<T>(first).bits) | static_cast<uint32_t>(from_float<T>(second).bits) << 16;
}

#if defined(__CUDA_ARCH__)
template <>
GAVEL_HOST_DEVICE uint32_t pack<Bf16>(float first, float second) {
  uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
  return word;
}
template <>
GAVEL_HOST_DEVICE uint32_t pack<Fp16>(float first, float second) {
  uint32_t word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
  return word;
}
#endif

template <typename T>
GAVEL_HOST_DEVICE void unpack(const Chunk& chunk, float (&values)[kChunk]) {
  for (int i = 0; i < 4; i++) {
    values[2 * i] = to_float(T{static_cast<uint16_t>(chunk.words[i])});
    values[2 * i + 1] = to_float(T{static_cast<uint16_t>(chunk.words[i] >> 16)});
  }
}

// Two e4m3 in the lower 16 bits as fp16, exactly. NaN from compute capability 8.9 on only.
GAVEL_HOST_DEVICE uint32_t widen(uint32_t pair) {
#if defined(__CUDA_ARCH__)
  uint32_t words;
#if __CUDA_ARCH__ >= 890
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(words) : "h"(static_cast<uint16_t>(pair)));
#else
  // Their bits in fp16's places make numbers that differ from them by a power of two, subnormal ones too.
  const uint32_t lanes = __byte_perm(pair, 0, 0x1404);
  const uint32_t bits = (lanes & 0x80008000u) | (lanes & 0x7F007F00u) >> 1;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(words) : "r"(bits), "r"(0x5C005C00u));  // 2^8
#endif
  return words;
#else
  return pack<Fp16>(to_float(Fp8{static_cast<uint8_t>(pair)}), to_float(Fp8{static_cast<uint8_t>(pair >> 8)}));
#endif
}

// Eight values as elements of a row: 16 bytes of a 16-bit type, 8 bytes of an 8-bit one.
template <typename T>
GAVEL_HOST_DEVICE void store8(T* at, const float (&values)[kChunk]) {
  if constexpr (sizeof(T) == 2) {
    *reinterpret_cast<Chunk*>(at) = {pack<T>(values[0], values[1]), pack<T>(values[2], values[3]),
                                     pack<T>(values[4], values[5]), pack<T>(values[6], values[7])};
  } else {
    uint64_t bytes = 0;
    for (int i = 0; i < kChunk; i++) {
      const T element = from_float<T>(values[i]);
      uint8_t byte;
      memcpy(&byte, &element, 1);
      bytes |= static_cast<uint64_t>(byte) << (8 * i);
    }
    *reinterpret_cast<uint64_t*>(at) = bytes;
  }
}

template <typename T>
GAVEL_HOST_DEVICE void load8(const T* at, float (&values)[kChunk]) {
  unpack<T>(*reinterpret_cast<const Chunk*>(at), values);
}

// Largest magnitude of a quantized element.
template <typename Out>
constexpr float kQuantizedMost = 0;  // not quantized
template <>
inline constexpr float kQuantizedMost<Fp8> = 448.0f;
template <>
inline constexpr float kQuantizedMost<Int8> = 127.0f;

}  // namespace gavel::cuda
