#include "kernels/kernels.h"

namespace gavel {

#if defined(__x86_64__)
namespace avx512 {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
#endif
namespace generic {
extern const Kernels kKernels;
}

const Kernels* kernels_at(int index) {
  const Kernels* tables[4] = {};
  int count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    tables[count++] = &avx512::kKernels;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    tables[count++] = &avx2::kKernels;
  }
#endif
  tables[count++] = &generic::kKernels;
  return index < count ? tables[index] : nullptr;
}

}  // namespace gavel
