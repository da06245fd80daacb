// The plain versions of the kernels; see kernels.h. Packed panels are 2 wide, packed tiles 1 high.
#pragma once

#include "kernels/kernels.h"

namespace gavel::reference {

constexpr int kPanel = 2;
constexpr int kTile = 1;
constexpr int kGroup = 2;

void pack_rows(const PackRows& args);
void gemm_f32(const GemmF32& args);
void attention(const Attention<float>& args);
void attention_bf16(const Attention<Bfloat16>& args);
void quantize_rows(const QuantizeRows& args);
void gemm_int8(const GemmInt8& args);
void rms_norm(const RmsNorm& args);
void rope(const Rope& args);
void log_sum_exp(const float* values, int64_t count, LogSum* sum);
void group_maxima(const float* logits, int64_t count, float* maxima);
float weigh_logits(const WeighLogits& args);

}  // namespace gavel::reference
