#include "kernels/operations.h"
#include "kernels/quantize.cuh"

namespace gavel::cuda {

int32_t quantize(const gavel_cuda_quantize* args, void* stream) {
  GAVEL_EXPECT(args->rows >= 0, "rows: expected 0 or more, found %d", args->rows);
  GAVEL_EXPECT(args->out_type != args->type, "out_type: expected %d (fp8) or %d (int8), found %d", GAVEL_CUDA_FP8,
               GAVEL_CUDA_INT8, args->out_type);
  GAVEL_EXPECT(args->in != nullptr && args->out != nullptr && args->scales != nullptr,
               "quantize: expected an input, an output and scales, found null");
  return with_out_type(args->type, args->out_type, [&](auto type, auto out_type) {
    using T = typename decltype(type)::Type;
    using Out = typename decltype(out_type)::Type;
    if constexpr (sizeof(Out) == 1) {
      return with_row_warps(args->width, [&](auto warps) {
        using Group = RowGroup<decltype(warps)::kValue>;
        return launch(quantize_kernel<T, Out, decltype(warps)::kValue>,
                      {(args->rows + Group::kRows - 1) / Group::kRows}, Group::kThreads, Group::kSharedBytes, stream,
                      *args);
      });
    } else {
      return static_cast<int32_t>(GAVEL_INVALID_ARGUMENT);  // refused above
    }
  });
}

}  // namespace gavel::cuda
