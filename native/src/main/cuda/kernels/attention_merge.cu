#include "kernels/attention_merge.cuh"
#include "kernels/dispatch.h"
#include "kernels/operations.h"

namespace gavel::cuda {

int32_t attention_merge(const gavel_cuda_merge* args, void* stream) {
  GAVEL_EXPECT(args->rows >= 0 && args->heads > 0,
               "merge: expected 0 or more rows and 1 or more heads, found %d and %d", args->rows, args->heads);
  GAVEL_EXPECT(args->head_dim > 0 && args->head_dim % kChunk == 0, "head_dim: expected a multiple of %d, found %d",
               kChunk, args->head_dim);
  GAVEL_EXPECT(args->row != nullptr && args->part_offsets != nullptr && args->parts != nullptr &&
                   args->partial_out != nullptr && args->partial_log_sums != nullptr && args->out != nullptr,
               "merge: expected parts and an output, found null");
  const int64_t chunks = static_cast<int64_t>(args->rows) * args->heads * (args->head_dim / kChunk);
  return with_type(args->type, [&](auto type) {
    return launch(merge_kernel<typename decltype(type)::Type>, {(chunks + kMergeThreads - 1) / kMergeThreads},
                  kMergeThreads, 0, stream, *args);
  });
}

}  // namespace gavel::cuda
