// The CPU kernels of the engine, as a table per instruction set. Raw pointers, no allocation.
//
// Each kernel has a plain reference of the same name in <name>_reference.cpp, kept as its oracle, and
// a vector version in <name>.inl, which is compiled once per instruction set (isa_*.cpp). The header
// <name>.h gives formula, shapes and layout.
#pragma once

#include "kernels/attention.h"
#include "kernels/gemm_f32.h"
#include "kernels/gemm_int8.h"
#include "kernels/log_sum_exp.h"
#include "kernels/logits.h"
#include "kernels/rms_norm.h"
#include "kernels/rope.h"

namespace gavel {

struct Kernels {
  const char* name;        // of the instruction set
  int panel;               // columns of a packed weight panel
  int tile;                // rows of a packed row tile
  Int8Layout int8_layout;  // of packed int8 weights and rows
  void (*pack_rows)(const PackRows& args);
  void (*gemm_f32)(const GemmF32& args);
  void (*quantize_rows)(const QuantizeRows& args);
  void (*gemm_int8)(const GemmInt8& args);
  void (*attention)(const Attention<float>& args);
  void (*attention_bf16)(const Attention<Bfloat16>& args);
  void (*rms_norm)(const RmsNorm& args);
  void (*rope)(const Rope& args);
  void (*log_sum_exp)(const float* values, int64_t count, LogSum* sum);
  void (*group_maxima)(const float* logits, int64_t count, float* maxima);
  float (*weigh_logits)(const WeighLogits& args);
};

// The table of an instruction set that this processor has, best first; null beyond the last.
const Kernels* kernels_at(int index);

// The best table of this processor.
inline const Kernels& best_kernels() { return *kernels_at(0); }

// The plain versions under the same interface.
const Kernels& reference_kernels();

}  // namespace gavel
