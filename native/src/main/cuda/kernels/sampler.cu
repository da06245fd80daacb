#include "kernels/dispatch.h"
#include "kernels/operations.h"
#include "kernels/sampler.cuh"

namespace gavel::cuda {

int32_t sampler(const gavel_cuda_sampler* args, void* stream) {
  GAVEL_EXPECT(args->rows >= 0 && args->vocabulary >= 1 && args->stride >= args->vocabulary,
               "sampler: expected rows, a vocabulary and a stride no less, found %d, %d and %lld", args->rows,
               args->vocabulary, static_cast<long long>(args->stride));
  GAVEL_EXPECT(args->logits != nullptr && args->temperatures != nullptr && args->top_ks != nullptr &&
                   args->top_ps != nullptr && args->seeds != nullptr && args->draws != nullptr &&
                   args->tokens != nullptr && args->log_probabilities != nullptr,
               "sampler: expected logits, settings and outputs, found null");
  const auto run = [&](auto type) {
    return launch(sampler_kernel<typename decltype(type)::Type>, {args->rows}, kSamplerThreads, sizeof(SamplerShared),
                  stream, *args);
  };
  return args->logits_type < 0 ? run(TypeTag<float>{}) : with_type(args->logits_type, run);
}

}  // namespace gavel::cuda
