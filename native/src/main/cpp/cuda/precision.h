// In what an engine on a device computes.
#pragma once

#include <cstdint>

#include "gavel.h"
#include "gavel_cuda.h"

namespace gavel {

struct Precision {
  // Of the residual stream, activations, keys, values, and all weights but quantized ones: bf16 or fp16.
  int32_t type;
  // Products of the layers take e4m3: weights with a scale per output channel, inputs with one per token.
  bool fp8;

  // quantization: one that a CUDA device takes.
  explicit Precision(int32_t quantization)
      : type(quantization == GAVEL_QUANTIZATION_FP16 ? GAVEL_CUDA_FP16 : GAVEL_CUDA_BF16),
        fp8(quantization == GAVEL_QUANTIZATION_FP8) {}

  // The type, as one of gavel_dtype.
  int32_t dtype() const { return type == GAVEL_CUDA_FP16 ? GAVEL_F16 : GAVEL_BF16; }
};

// Of one element of a 16-bit type.
constexpr size_t kHalfBytes = 2;

// To the nearest, ties to even.
uint16_t to_bf16(float value);
// Likewise; infinity from 65520 on.
uint16_t to_fp16(float value);

}  // namespace gavel
