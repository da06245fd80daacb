// The engine on a device, in each of its precisions, beside the engine on the CPU and beside a simulation.
//
// Random checkpoints of every architecture, with weights that bf16 holds exactly, and the same batches. What a
// precision does to the results follows from where the device rounds: each rounding to 16 bits moves the residual
// stream by a relative 2^-9 (bf16) or 2^-12 (fp16) at most, about kRoundings of them a layer add up like independent
// errors, and a logit moves by as much of its row's typical size. FP8 adds kFp8Roundings a layer of kFp8Rounding each.
// Over ranks both sums of a layer are rounded once more with each rank after the first. These are wide bounds:
// parity_simulation.h has the narrow one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "model/engine.h"

namespace parity {

// Makes the engine to compare, for a config with the type of the device and a quantization.
using MakeEngine = std::function<std::unique_ptr<gavel::Engine>(const gavel_config&)>;

// Compares the engine, of one device or of `ranks`, with the engine on the CPU; 0 if no check failed. golden: the
// folder of a dense case whose shape the kernels have, or empty.
int run(const MakeEngine& make, int ranks, const std::string& golden, uint64_t seed);

// An engine on a device of compute capability 8.6, which has no FP8; 0 if it says so.
int run_older(const MakeEngine& make);

}  // namespace parity
