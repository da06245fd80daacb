#include "kernels/dispatch.h"
#include "kernels/operations.h"
#include "kernels/rope.cuh"

namespace gavel::cuda {

int32_t rope(const gavel_cuda_rope* args, void* stream) {
  GAVEL_EXPECT(args->rows >= 0, "rows: expected 0 or more, found %d", args->rows);
  GAVEL_EXPECT(args->heads > 0 && args->kv_heads > 0, "heads: expected 1 or more, found %d and %d", args->heads,
               args->kv_heads);
  GAVEL_EXPECT(args->head_dim > 0 && args->head_dim % 16 == 0 && args->head_dim <= 256,
               "head_dim: expected a multiple of 16, at most 256, found %d", args->head_dim);
  GAVEL_EXPECT(args->qkv != nullptr && args->positions != nullptr && args->cosines != nullptr &&
                   args->sines != nullptr && args->slots != nullptr && args->queries != nullptr &&
                   args->keys != nullptr && args->values != nullptr,
               "rope: expected arrays, found null");
  const int64_t heads = static_cast<int64_t>(args->rows) * (args->heads + 2 * args->kv_heads);
  return with_type(args->type, [&](auto type) {
    using T = typename decltype(type)::Type;
    const auto run = [&](auto lanes) {
      constexpr int kHeads = kRopeThreads / decltype(lanes)::kValue;
      return launch(rope_kernel<T, decltype(lanes)::kValue>, {(heads + kHeads - 1) / kHeads}, kRopeThreads, 0, stream,
                    *args);
    };
    return args->head_dim <= 64 ? run(Number<4>{}) : args->head_dim <= 128 ? run(Number<8>{}) : run(Number<16>{});
  });
}

}  // namespace gavel::cuda
