#include "kernels/operations.h"
#include "kernels/swiglu.cuh"

namespace gavel::cuda {

int32_t swiglu(const gavel_cuda_swiglu* args, void* stream) {
  GAVEL_EXPECT(args->rows >= 0, "rows: expected 0 or more, found %d", args->rows);
  GAVEL_EXPECT(args->gate_up != nullptr && args->out != nullptr, "swiglu: expected an input and an output, found null");
  GAVEL_EXPECT(args->out_type == args->type || args->scales != nullptr,
               "swiglu: expected scales for a quantized output, found null");
  return with_out_type(args->type, args->out_type, [&](auto type, auto out_type) {
    using T = typename decltype(type)::Type;
    using Out = typename decltype(out_type)::Type;
    return with_row_warps(args->width, [&](auto warps) {
      using Group = RowGroup<decltype(warps)::kValue>;
      return launch(swiglu_kernel<T, Out, decltype(warps)::kValue>, {(args->rows + Group::kRows - 1) / Group::kRows},
                    Group::kThreads, Group::kSharedBytes, stream, *args);
    });
  });
}

}  // namespace gavel::cuda
