// The engine on a device beside the engine on the CPU: the same checkpoints, the same batches.
//
// Random checkpoints of every architecture, with weights that bf16 holds exactly. What bf16 does to the results
// follows from where the device rounds: each rounding moves the residual stream by a relative 2^-9 at most, about
// kRoundings of them a layer add up like independent errors, and a logit moves by as much of its row's typical size.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cuda/products.h"
#include "gavel_cuda.h"

namespace parity {

using MakeProducts = std::function<std::unique_ptr<gavel::Products>()>;

// Compares on one device; 0 if no check failed. golden: the folder of a dense case whose shape the kernels have.
int run(const gavel_cuda_table& functions, int32_t device, const MakeProducts& products, const std::string& golden,
        uint64_t seed);

}  // namespace parity
