#include "device/launch.h"
#include "kernels/operations.h"
#include "kernels/paths.cuh"

namespace gavel::cuda {

int32_t paths(const gavel_cuda_paths* args, void* stream) {
  GAVEL_EXPECT(args->items >= 0 && args->labels >= 1, "paths: expected items and labels, found %d and %d", args->items,
               args->labels);
  GAVEL_EXPECT(
      args->path_offsets != nullptr && args->path_log_probabilities != nullptr && args->log_probabilities != nullptr,
      "paths: expected paths and an output, found null");
  return launch(paths_kernel, {(args->items + kPathsWarps - 1) / kPathsWarps}, kPathsWarps * kWarp, 0, stream, *args);
}

}  // namespace gavel::cuda
