// Sweeps every vector kernel of every instruction set of this processor against the plain reference,
// at awkward sizes, with outputs poisoned beforehand and guard values behind them.
//
// Tolerances are error bounds, with u = 2^-24 the unit roundoff of fp32: a sum of n products in any
// order is off by at most n u times the sum of absolute products (Higham, Accuracy and Stability of
// Numerical Algorithms, section 3.1). The references sum in double precision.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "checks.h"

#if defined(__x86_64__)
namespace gavel::avx2_vnni_evex {
extern const Kernels kKernels;
}
#endif

namespace {

void sweep(const gavel::Kernels& kernels, uint64_t seed) {
  std::printf("sweeping %s, seed %llu\n", kernels.name, static_cast<unsigned long long>(seed));
  gavel::test::sweep_gemm_f32(kernels);
  gavel::test::sweep_gemm_int8(kernels);
  gavel::test::sweep_attention(kernels);
  gavel::test::sweep_small(kernels);
  gavel::test::sweep_sampler(kernels);
}

// Where kernels of AVX-VNNI cannot run, their source does on AVX-512 VNNI.
void sweep_avx2_vnni(uint64_t seed) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")) {
    sweep(gavel::avx2_vnni_evex::kKernels, seed);
    return;
  }
#endif
  std::printf("skipped avx2_vnni_evex: this processor has no AVX-512 VL and VNNI\n");
  (void)seed;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device()();
  counted::seed(seed);
  gavel::test::test_thread_pool();
  gavel::test::test_rounding();
  for (int i = 0; gavel::kernels_at(i) != nullptr; i++) {
    sweep(*gavel::kernels_at(i), seed);
  }
  sweep_avx2_vnni(seed);
  return gavel::test::finish();
}
