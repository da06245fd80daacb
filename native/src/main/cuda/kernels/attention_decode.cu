#include "kernels/attention_decode.cuh"
#include "kernels/dispatch.h"
#include "kernels/operations.h"

namespace gavel::cuda {

namespace {

template <typename T, int dims, int heads>
int32_t run(const gavel_cuda_attention& args, void* stream) {
  const int shared_by = args.heads / args.kv_heads;
  return launch(decode_kernel<T, dims, heads>, {args.tiles, args.kv_heads, (shared_by + heads - 1) / heads},
                kDecodeWarps * kWarp, DecodeShape<dims, heads>::kSharedBytes, stream, args);
}

template <typename T, int dims>
int32_t run_heads(const gavel_cuda_attention& args, void* stream) {
  const int shared_by = args.heads / args.kv_heads;
  return shared_by <= 2   ? run<T, dims, 2>(args, stream)
         : shared_by <= 4 ? run<T, dims, 4>(args, stream)
                          : run<T, dims, 8>(args, stream);
}

}  // namespace

int32_t attention_decode(const gavel_cuda_attention* args, void* stream) {
  GAVEL_EXPECT(args->tiles >= 0, "tiles: expected 0 or more, found %d", args->tiles);
  GAVEL_EXPECT(args->tile_rows == 1, "tile_rows: expected 1 for decoding, found %d", args->tile_rows);
  GAVEL_EXPECT(args->kv_heads > 0 && args->heads > 0 && args->heads % args->kv_heads == 0,
               "heads: expected a multiple of kv_heads %d, found %d", args->kv_heads, args->heads);
  GAVEL_EXPECT(args->head_dim > 0 && args->head_dim % kChunk == 0 && args->head_dim <= kHeadDimMax,
               "head_dim: expected a multiple of %d, at most %d, found %d", kChunk, kHeadDimMax, args->head_dim);
  GAVEL_EXPECT(args->queries != nullptr && args->keys != nullptr && args->values != nullptr && args->tile != nullptr,
               "attention: expected queries, keys, values and tiles, found null");
  return with_type(args->type, [&](auto type) {
    using T = typename decltype(type)::Type;
    return args->head_dim <= 64 ? run_heads<T, 64>(*args, stream) : run_heads<T, 128>(*args, stream);
  });
}

}  // namespace gavel::cuda
