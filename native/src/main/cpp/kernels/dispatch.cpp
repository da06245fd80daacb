#include "kernels/kernels.h"

namespace gavel {

#define GAVEL_DECLARE(isa)       \
  namespace isa {                \
  extern const Kernels kKernels; \
  }
#if defined(__x86_64__)
GAVEL_DECLARE(avx512_bf16)
GAVEL_DECLARE(avx512_vnni)
GAVEL_DECLARE(avx512)
GAVEL_DECLARE(avx2_vnni)
GAVEL_DECLARE(avx2)
#endif
GAVEL_DECLARE(generic)
#undef GAVEL_DECLARE

const Kernels* kernels_at(int index) {
  const Kernels* tables[7] = {};
  int count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (vnni && __builtin_cpu_supports("avx512bf16")) {
    tables[count++] = &avx512_bf16::kKernels;
  }
  if (vnni) {
    tables[count++] = &avx512_vnni::kKernels;
  }
  if (avx512) {
    tables[count++] = &avx512::kKernels;
  }
  if (avx2 && __builtin_cpu_supports("avxvnni")) {
    tables[count++] = &avx2_vnni::kKernels;
  }
  if (avx2) {
    tables[count++] = &avx2::kKernels;
  }
#endif
  tables[count++] = &generic::kKernels;
  return index < count ? tables[index] : nullptr;
}

}  // namespace gavel
