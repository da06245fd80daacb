// From run-time types to template parameters. Host code only.
#pragma once

#include "device/launch.h"
#include "device/types.h"

namespace gavel::cuda {

template <typename T>
struct TypeTag {
  using Type = T;
};

// body(TypeTag<T>{}) for a 16-bit type.
template <typename F>
int32_t with_type(int32_t type, const F& body) {
  switch (type) {
    case GAVEL_CUDA_BF16:
      return body(TypeTag<Bf16>{});
    case GAVEL_CUDA_FP16:
      return body(TypeTag<Fp16>{});
    default:
      return failed(GAVEL_INVALID_ARGUMENT, "type: expected %d (bf16) or %d (fp16), found %d", GAVEL_CUDA_BF16,
                    GAVEL_CUDA_FP16, type);
  }
}

// body(TypeTag<T>{}, TypeTag<Out>{}) for a 16-bit type and an output of the same type or quantized.
template <typename F>
int32_t with_out_type(int32_t type, int32_t out_type, const F& body) {
  return with_type(type, [&](auto tag) {
    if (out_type == type) {
      return body(tag, tag);
    }
    switch (out_type) {
      case GAVEL_CUDA_FP8:
        return body(tag, TypeTag<Fp8>{});
      case GAVEL_CUDA_INT8:
        return body(tag, TypeTag<Int8>{});
      default:
        return failed(GAVEL_INVALID_ARGUMENT, "out_type: expected %d (the type), %d (fp8) or %d (int8), found %d", type,
                      GAVEL_CUDA_FP8, GAVEL_CUDA_INT8, out_type);
    }
  });
}

// body(integral_constant<int, warps>) for rows of a width that kRowChunks chunks per lane hold.
constexpr int kRowChunks = 4;
constexpr int kWidthMax = 32 * kWarp * kRowChunks * kChunk;

template <int value>
struct Number {
  static constexpr int kValue = value;
};

template <typename F>
int32_t with_row_warps(int32_t width, const F& body) {
  constexpr int kPerWarp = kWarp * kRowChunks * kChunk;
  GAVEL_EXPECT(width > 0 && width % kChunk == 0 && width <= kWidthMax,
               "width: expected a multiple of %d, at most %d, found %d", kChunk, kWidthMax, width);
  return width <= kPerWarp        ? body(Number<1>{})
         : width <= 4 * kPerWarp  ? body(Number<4>{})
         : width <= 16 * kPerWarp ? body(Number<16>{})
                                  : body(Number<32>{});
}

}  // namespace gavel::cuda
