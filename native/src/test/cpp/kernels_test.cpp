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

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device()();
  gavel::test::seed(seed);
  for (int i = 0; gavel::kernels_at(i) != nullptr; i++) {
    const gavel::Kernels& kernels = *gavel::kernels_at(i);
    std::printf("sweeping %s, seed %llu\n", kernels.name, static_cast<unsigned long long>(seed));
    gavel::test::sweep_gemm_f32(kernels);
    gavel::test::sweep_gemm_int8(kernels);
    gavel::test::sweep_attention(kernels);
    gavel::test::sweep_small(kernels);
  }
  return gavel::test::finish();
}
