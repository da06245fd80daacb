#include "kernels/dispatch.h"
#include "kernels/head.cuh"
#include "kernels/operations.h"

namespace gavel::cuda {

size_t head_workspace_bytes(int32_t sequences, int32_t nodes, int32_t vocabulary, int32_t candidates) {
  const HeadShape shape(sequences, nodes, vocabulary, true);
  return static_cast<size_t>(HeadWorkspace::pieces_offset(sequences, candidates)) +
         static_cast<size_t>(sequences) * nodes * shape.pieces() * sizeof(LogSum);
}

int32_t head(const gavel_cuda_head* args, void* stream) {
  GAVEL_EXPECT(args->nodes >= 1 && args->nodes <= 64, "nodes: expected 1 to 64 inner nodes of the label trie, found %d",
               args->nodes);
  GAVEL_EXPECT(args->width > 0 && args->width % kChunk == 0, "width: expected a multiple of %d, found %d", kChunk,
               args->width);
  GAVEL_EXPECT(args->vocabulary > 0 && args->labels > 0 && args->candidates > 0,
               "head: expected a vocabulary, labels and candidates, found %d, %d and %d", args->vocabulary,
               args->labels, args->candidates);
  GAVEL_EXPECT(args->normalizers != 0 || (args->nodes == 1 && args->log_mass == nullptr),
               "normalizers: expected 1 for labels of several tokens and for label mass, found 0");
  GAVEL_EXPECT(args->residual != nullptr && args->head != nullptr && args->norm_weight != nullptr &&
                   args->workspace != nullptr && args->log_probabilities != nullptr &&
                   (args->normalizers == 0 || args->normed != nullptr),
               "head: expected hidden rows, weights, a workspace and an output, found null");
  const HeadShape shape(args->sequences, args->nodes, args->vocabulary, args->normalizers != 0);
  GAVEL_EXPECT(args->sequences >= 0 && (args->normalizers == 0 || shape.row_tiles <= kHeadRowTilesMax),
               "sequences: expected 0 to %d, found %d", kHeadRowTilesMax * shape.tile_sequences, args->sequences);
  return with_type(args->type, [&](auto type) {
    using T = typename decltype(type)::Type;
    return launch(head_kernel<T>, {static_cast<int64_t>(shape.row_tiles) * shape.column_tiles}, GemmTile<T>::kThreads,
                  args->normalizers != 0 ? GemmTile<T>::kSharedBytes : 0, stream, *args);
  });
}

}  // namespace gavel::cuda
