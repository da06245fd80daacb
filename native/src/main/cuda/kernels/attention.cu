#include "kernels/attention.cuh"
#include "kernels/dispatch.h"
#include "kernels/operations.h"

namespace gavel::cuda {

namespace {

template <typename T, int dims, int warps>
int32_t run(const gavel_cuda_attention& args, void* stream) {
  return launch(prefill_kernel<T, dims, warps>, {args.tiles, args.kv_heads}, warps * kWarp,
                PrefillTile<T, dims, warps>::kSharedBytes, stream, args);
}

}  // namespace

int32_t attention_prefill(const gavel_cuda_attention* args, void* stream) {
  GAVEL_EXPECT(args->tiles >= 0, "tiles: expected 0 or more, found %d", args->tiles);
  GAVEL_EXPECT(args->kv_heads > 0 && args->heads > 0 && args->heads % args->kv_heads == 0,
               "heads: expected a multiple of kv_heads %d, found %d", args->kv_heads, args->heads);
  GAVEL_EXPECT(args->head_dim > 0 && args->head_dim % kChunk == 0 && args->head_dim <= kHeadDimMax,
               "head_dim: expected a multiple of %d, at most %d, found %d", kChunk, kHeadDimMax, args->head_dim);
  const int group = args->heads / args->kv_heads;
  GAVEL_EXPECT(args->tile_rows > 0 && args->tile_rows * group <= 128,
               "tile_rows: expected 1 to %d for %d query heads a KV head, found %d", 128 / group, group,
               args->tile_rows);
  GAVEL_EXPECT(args->queries != nullptr && args->keys != nullptr && args->values != nullptr && args->tile != nullptr &&
                   args->row_first != nullptr && args->row_slots != nullptr,
               "attention: expected queries, keys, values and tiles, found null");
  return with_type(args->type, [&](auto type) {
    using T = typename decltype(type)::Type;
    const bool small = args->tile_rows * group <= 64;
    if (args->head_dim <= 64) {
      return small ? run<T, 64, 4>(*args, stream) : run<T, 64, 8>(*args, stream);
    }
    return small ? run<T, 128, 4>(*args, stream) : run<T, 128, 8>(*args, stream);
  });
}

}  // namespace gavel::cuda
