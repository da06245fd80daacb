#include "kernels/dispatch.h"
#include "kernels/experts.cuh"
#include "kernels/operations.h"

namespace gavel::cuda {

int32_t routing(const gavel_cuda_routing* args, void* stream) {
  GAVEL_EXPECT(args->experts >= 1 && args->experts <= kExpertsMax, "experts: expected 1 to %d, found %d", kExpertsMax,
               args->experts);
  GAVEL_EXPECT(args->picks >= 1 && args->picks <= kPicksMax && args->picks <= args->experts,
               "picks: expected 1 to %d and no more than experts, found %d of %d", kPicksMax, args->picks,
               args->experts);
  GAVEL_EXPECT(args->rows >= 0 && static_cast<int64_t>(args->rows) * args->picks < (int64_t{1} << 31),
               "rows: expected fewer than 2^31 pairs, found %d rows", args->rows);
  GAVEL_EXPECT(args->logits != nullptr && args->weights != nullptr && args->chosen != nullptr &&
                   args->begins != nullptr && args->order != nullptr,
               "routing: expected logits and outputs, found null");
  const auto choose = [&](auto per_lane) {
    return launch(choose_kernel<decltype(per_lane)::kValue>, {(args->rows + kRoutingWarps - 1) / kRoutingWarps},
                  kRoutingWarps * kWarp, 0, stream, *args);
  };
  const int32_t status = args->experts <= 128   ? choose(Number<4>{})
                         : args->experts <= 512 ? choose(Number<16>{})
                                                : choose(Number<32>{});
  return status != GAVEL_OK
             ? status
             : launch(order_kernel, {args->experts}, kOrderThreads, kOrderThreads / kWarp * sizeof(int), stream, *args);
}

int32_t grouped_gemm(const gavel_cuda_grouped_gemm* args, void* stream) {
  const bool fp8 = args->weight_scales != nullptr;
  const int depth = fp8 ? GemmTile<Fp8>::kElements : kChunk;
  GAVEL_EXPECT(fp8 == (args->row_scales != nullptr),
               "grouped_gemm: expected scales of rows and of weights, or neither, found those of %s",
               fp8 ? "weights" : "rows");
  GAVEL_EXPECT(args->k > 0 && args->k % depth == 0 && args->columns > 0 && args->columns % kChunk == 0,
               "grouped_gemm: expected k to be a multiple of %d and columns of %d, found %d and %d", depth, kChunk,
               args->k, args->columns);
  GAVEL_EXPECT(args->pairs >= 0 && args->picks >= 1 && args->experts >= 1,
               "grouped_gemm: expected pairs, picks and experts, found %d, %d and %d", args->pairs, args->picks,
               args->experts);
  GAVEL_EXPECT(args->begins != nullptr && args->order != nullptr && args->rows != nullptr && args->weight != nullptr &&
                   args->out != nullptr,
               "grouped_gemm: expected routing, rows, weights and an output, found null");
  return with_type(args->type, [&](auto type) {
    using T = typename decltype(type)::Type;
    using Tile = GemmTile<T>;
    // Every expert may end in a tile that is not full.
    const int64_t tiles = args->pairs / Tile::kRows + (args->pairs < args->experts ? args->pairs : args->experts);
    const int columns = args->swiglu != 0 ? Tile::kColumns / 2 : Tile::kColumns;
    const Grid grid = {tiles, (args->columns + columns - 1) / columns};
    const auto run = [&](auto kernel) {
      return launch(kernel, grid, Tile::kThreads, Tile::kSharedBytes, stream, *args);
    };
    if (fp8) {
      return args->swiglu != 0 ? run(grouped_kernel<T, Fp8, true>) : run(grouped_kernel<T, Fp8, false>);
    }
    return args->swiglu != 0 ? run(grouped_kernel<T, T, true>) : run(grouped_kernel<T, T, false>);
  });
}

int32_t combine(const gavel_cuda_combine* args, void* stream) {
  GAVEL_EXPECT(args->rows >= 0 && args->picks >= 1, "combine: expected rows and picks, found %d and %d", args->rows,
               args->picks);
  GAVEL_EXPECT(args->width > 0 && args->width % kChunk == 0, "width: expected a multiple of %d, found %d", kChunk,
               args->width);
  GAVEL_EXPECT(args->routed != nullptr && args->weights != nullptr && args->out != nullptr,
               "combine: expected routed rows, weights and an output, found null");
  const int64_t chunks = static_cast<int64_t>(args->rows) * (args->width / kChunk);
  return with_type(args->type, [&](auto type) {
    return launch(combine_kernel<typename decltype(type)::Type>, {(chunks + kCombineThreads - 1) / kCombineThreads},
                  kCombineThreads, 0, stream, *args);
  });
}

}  // namespace gavel::cuda
