// Engines over several ranks on the host's model of a device, each a thread of this process.
#pragma once

#include <cstdint>
#include <memory>

#include "cuda/group.h"
#include "gavel_cuda.h"

namespace parity {

// An engine over so many devices, with the tests' NCCL.
std::unique_ptr<gavel::Engine> group(const gavel_cuda_table& functions, gavel_config config, int ranks);

// What a group refuses, and what happens when a rank fails or does not come back; 0 if no check failed.
int check_ranks(const gavel_cuda_table& functions, uint64_t seed);

}  // namespace parity
