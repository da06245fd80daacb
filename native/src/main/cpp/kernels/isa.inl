// Compiles every vector kernel for one instruction set; GAVEL_ISA is its name. Only constants, types
// and templates of this namespace are used below, so that no code for a newer processor can be shared
// with the rest of the library by the linker.
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/kernels.h"

namespace gavel {
namespace GAVEL_ISA {
namespace {

#include "kernels/simd.inl"
//
#include "kernels/gemm_f32.inl"
//
#include "kernels/gemm_int8.inl"
//
#include "kernels/attention.inl"
//
#include "kernels/attention_bf16.inl"
//
#include "kernels/log_sum_exp.inl"
//
#include "kernels/logits.inl"
//
#include "kernels/rms_norm.inl"
//
#include "kernels/rope.inl"

}  // namespace

#define GAVEL_STRING(x) #x
#define GAVEL_NAME(x) GAVEL_STRING(x)

extern const Kernels kKernels;
const Kernels kKernels = {
    GAVEL_NAME(GAVEL_ISA), kPanel,       kTile,       {kGroup, kWeightOffset}, pack_rows, gemm_f32,
    quantize_rows,         gemm_int8,    attention,   attention_bf16,          rms_norm,  rope,
    log_sum_exp,           group_maxima, weigh_logits};

}  // namespace GAVEL_ISA
}  // namespace gavel
