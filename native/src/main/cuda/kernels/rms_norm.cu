#include "kernels/operations.h"
#include "kernels/rms_norm.cuh"

namespace gavel::cuda {

int32_t rms_norm(const gavel_cuda_rms_norm* args, void* stream) {
  const bool quantized = args->out_type != args->type && args->out != nullptr;
  GAVEL_EXPECT(args->rows >= 0, "rows: expected 0 or more, found %d", args->rows);
  GAVEL_EXPECT(args->residual != nullptr && (args->out == nullptr || args->weight != nullptr),
               "rms_norm: expected a residual stream and a weight, found null");
  GAVEL_EXPECT(!quantized || args->scales != nullptr, "rms_norm: expected scales for a quantized output, found null");
  GAVEL_EXPECT(quantized || args->out_plain == nullptr,
               "rms_norm: expected a quantized output beside out_plain, found type %d", args->out_type);
  return with_out_type(args->type, args->out_type, [&](auto type, auto out_type) {
    using T = typename decltype(type)::Type;
    using Out = typename decltype(out_type)::Type;
    return with_row_warps(args->width, [&](auto warps) {
      using Group = RowGroup<decltype(warps)::kValue>;
      return launch(rms_norm_kernel<T, Out, decltype(warps)::kValue>, {(args->rows + Group::kRows - 1) / Group::kRows},
                    Group::kThreads, Group::kSharedBytes, stream, *args);
    });
  });
}

}  // namespace gavel::cuda
