// The engine on a device beside the engine on the CPU: the same checkpoints, the same batches.
//
// Random checkpoints of every architecture, with weights that bf16 holds exactly. What bf16 does to the results
// follows from where the device rounds: each rounding moves the residual stream by a relative 2^-9 at most, about
// kRoundings of them a layer add up like independent errors, and a logit moves by as much of its row's typical size.
// Over ranks both sums of a layer are rounded once more with each rank after the first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "model/engine.h"

namespace parity {

// Makes the engine to compare, for a config without a device.
using MakeEngine = std::function<std::unique_ptr<gavel::Engine>(const gavel_config&)>;

// Compares the engine, of one device or of `ranks`, with the engine on the CPU; 0 if no check failed. golden: the
// folder of a dense case whose shape the kernels have, or empty.
int run(const MakeEngine& make, int ranks, const std::string& golden, uint64_t seed);

}  // namespace parity
