// The library's one exported symbol.
#include "device/launch.h"
#include "kernels/operations.h"
#include "runtime.h"

namespace gavel::cuda {

ErrorText& error_text() {
  static thread_local ErrorText text{};
  return text;
}

namespace {

const char* error() { return error_text().text; }

constexpr gavel_cuda_table kTable = {
    .version = GAVEL_CUDA_VERSION,
    .table_bytes = sizeof(gavel_cuda_table),
    .error = error,
    .device_count = device_count,
    .device_info = device_info,
    .use_device = use_device,
    .allocate = allocate,
    .release = release,
    .allocate_pinned = allocate_pinned,
    .release_pinned = release_pinned,
    .copy = copy,
    .fill = fill,
    .create_stream = create_stream,
    .release_stream = release_stream,
    .synchronize = synchronize,
    .begin_graph = begin_graph,
    .end_graph = end_graph,
    .launch_graph = launch_graph,
    .release_graph = release_graph,
    .create_mark = create_mark,
    .record_mark = record_mark,
    .seconds_between = seconds_between,
    .release_mark = release_mark,
    .rms_norm = rms_norm,
    .swiglu = swiglu,
    .quantize = quantize,
    .rope = rope,
    .attention_prefill = attention_prefill,
    .attention_decode = attention_decode,
    .attention_merge = attention_merge,
    .head_workspace_bytes = head_workspace_bytes,
    .head = head,
    .sampler = sampler,
    .paths = paths,
    .routing = routing,
    .grouped_gemm = grouped_gemm,
    .combine = combine,
};

}  // namespace

}  // namespace gavel::cuda

extern "C" const gavel_cuda_table* gavel_cuda(uint32_t version) {
  return version == GAVEL_CUDA_VERSION ? &gavel::cuda::kTable : nullptr;
}
