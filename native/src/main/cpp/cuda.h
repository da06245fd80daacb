// libgavel_cuda.so, opened at run time where a CUDA device is asked for.
#pragma once

#include <cstdint>

struct gavel_cuda_table;

namespace gavel::cuda {

// The function table, with a device of that index that our kernels run on. Fails with UNAVAILABLE, naming the
// device and what is missing: the library, a driver, the device, or its compute capability.
const gavel_cuda_table& open(int32_t device);

}  // namespace gavel::cuda
