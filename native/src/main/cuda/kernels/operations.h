// The entries of the function table that are kernels, each in the file of its name.
#pragma once

#include "gavel_cuda.h"

namespace gavel::cuda {

int32_t rms_norm(const gavel_cuda_rms_norm* args, void* stream);
int32_t swiglu(const gavel_cuda_swiglu* args, void* stream);
int32_t quantize(const gavel_cuda_quantize* args, void* stream);
int32_t rope(const gavel_cuda_rope* args, void* stream);
int32_t attention_prefill(const gavel_cuda_attention* args, void* stream);
int32_t attention_decode(const gavel_cuda_attention* args, void* stream);
int32_t attention_merge(const gavel_cuda_merge* args, void* stream);
size_t head_workspace_bytes(int32_t sequences, int32_t nodes, int32_t vocabulary, int32_t candidates);
int32_t head(const gavel_cuda_head* args, void* stream);
int32_t sampler(const gavel_cuda_sampler* args, void* stream);
int32_t paths(const gavel_cuda_paths* args, void* stream);
int32_t routing(const gavel_cuda_routing* args, void* stream);
int32_t grouped_gemm(const gavel_cuda_grouped_gemm* args, void* stream);
int32_t combine(const gavel_cuda_combine* args, void* stream);

}  // namespace gavel::cuda
