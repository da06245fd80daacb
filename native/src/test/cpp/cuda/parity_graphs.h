// The engine with graphs beside the same engine without, over a random service's batches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "cuda/products.h"
#include "gavel_cuda.h"
#include "parity_model.h"

namespace parity {

using MakeProducts = std::function<std::unique_ptr<gavel::Products>()>;

// Where graphs are tried. exact: products do not depend on how many rows they have, so results are equal bit by bit.
// fp8: whether the device has it.
struct GraphTrial {
  const gavel_cuda_table& functions;
  int32_t device;
  const MakeProducts products;
  bool exact;
  bool fp8;
};

// Repeated shapes, buffers that grow, cancelled batches, recordings that fail, and what is kept of many shapes; 0 if
// no check failed.
int run_graphs(const GraphTrial& trial, uint64_t seed);

}  // namespace parity
