// libgavel_cuda.so, opened at run time where a CUDA device is asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cuda/products.h"
#include "model/engine.h"

struct gavel_cuda_table;

namespace gavel::cuda {

// The engine on the CUDA device, or devices, that the config names. Fails with UNAVAILABLE, naming the device and what
// is missing: the library, a driver, the device, its compute capability, matrix products, or NCCL for several.
std::unique_ptr<Engine> engine(const gavel_config& config);

// The PCI address of a CUDA device; fails likewise.
std::string bus(int32_t device);
// The function table, with a device of that index that our kernels run on; and the matrix products that engines on it
// have, after open. Both fail likewise.
const gavel_cuda_table& open(int32_t device);
std::unique_ptr<Products> products(int32_t device);

}  // namespace gavel::cuda
